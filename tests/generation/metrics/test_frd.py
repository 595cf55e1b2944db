"""FRD is what frd-score 1.0.1 gives: its arithmetic everywhere, and its features where RADIOMICS_PYTHON names its Python."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

import numpy as np
import pytest

from generation.metrics.radiomics.frd import SameFeaturesError, frd
from generation.metrics.radiomics.program import RadiomicsError, radiomic_features
from tests.factories import make_pixels
from tests.generation.metrics.frd_samples import SIDE, features, images

FACTS = json.loads((Path(__file__).parents[2] / "data" / "frd.json").read_text())
PYTHON = os.environ.get("RADIOMICS_PYTHON", "")


def test_the_distance_is_frd_scores_whatever_the_features_scale_and_gaps() -> None:
    distance = frd(*features(), seed=1)

    assert distance.value == pytest.approx(FACTS["features"], abs=1e-6)
    assert (distance.n_real, distance.n_fake) == (
        60,
        49,
    )  # an image with a feature that is no number is left out
    assert distance.interval is not None
    assert distance.interval[0] < distance.value < distance.interval[1]


def test_equal_sets_have_no_logarithm_and_say_so() -> None:
    rows = np.ones((12, 3))

    with pytest.raises(SameFeaturesError, match="FRD has no lower end"):
        frd(rows, rows)


@pytest.mark.skipif(not PYTHON, reason="RADIOMICS_PYTHON names no Python that has frd-score 1.0.1")
def test_images_give_what_frd_score_gives_of_their_folders() -> None:
    rows = [radiomic_features(Path(PYTHON), images(arm), side=SIDE) for arm in ("real", "fake")]

    assert frd(rows[0], rows[1], resamples=0).value == pytest.approx(FACTS["images"], abs=1e-6)


def program(folder: Path, answers: str) -> Path:
    """A Python that answers so, whatever it is asked."""
    path = folder / "python"
    path.write_text(
        f"#!{sys.executable}\nimport sys\nprint({answers!r}, flush=True)\nfor line in sys.stdin: print('[]', flush=True)\n"
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ('{"version": "1.1.0"}', "RADIOMICS_PYTHON has frd-score 1.1.0, not 1.0.1"),
        ('{"error": "ModuleNotFoundError: no cv2"}', "does not start: ModuleNotFoundError: no cv2"),
        ("hello", "gave an answer that makes no sense"),
        ('{"version": "1.0.1"}', "gave an answer that makes no sense"),
    ],
)
def test_a_program_that_is_not_frd_score_is_refused_in_one_sentence(
    answers: str, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(RadiomicsError, match=sentence):
        radiomic_features(program(tmp_path, answers), [make_pixels()], side=32)


def test_where_there_is_no_such_program_the_sentence_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(RadiomicsError, match="There is no Python of frd-score"):
        radiomic_features(tmp_path / "none", [make_pixels()], side=32)
