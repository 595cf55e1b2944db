"""The script of the bundle gives the declared result again, with standard error and interval, with numpy alone and in base R."""

import csv
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pool.canonical.typed_json import as_json
from rating.results.export.bundle import SCRIPTS
from rating.results.export.primary_csv import primary_lines
from rating.results.study_results import StudyResults
from rating.results.summary import study_results
from rating.statistics.ratings_table import LABELS
from tests.rating.statistics.studies import UNSURE, simulated

EXPORT = Path(__file__).parents[3] / "rating" / "results" / "export"


STUDIES = [
    pytest.param(endpoint, policy, raters, missing, id=f"{endpoint} {policy} {raters} {missing}")
    for endpoint, policy in [
        ("fool rate", "wrong"),
        ("auc", "half"),
        ("accuracy", "exclude"),
        ("accuracy", "half"),
    ]
    for raters in (2, 5)
    for missing in (0.0, 0.3)
]


def write_bundle(folder: Path, endpoint: str, policy: str, raters: int, missing: float) -> StudyResults:
    """The numbers and ratings of a simulated study, as they lie in a bundle, and the scripts beside them."""
    columns = simulated(raters=raters, images=60, missing=missing, seed=7)
    rng = np.random.default_rng(1)
    label = np.where(rng.random(len(columns.label)) < 0.15, UNSURE, columns.label).astype(np.int8)
    columns = replace(columns, label=label)
    results = study_results(columns, endpoint=endpoint, policy=policy)
    (folder / "numbers.json").write_text(json.dumps(as_json(results)))
    (folder / "primary.csv").write_text("".join(primary_lines(results)))
    with (folder / "ratings.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["rater", "session", "kind", "image", "truth", "label"])
        codes = columns.table().codes
        for rater, row in zip(columns.raters, codes, strict=True):
            for image, truth, code in zip(columns.images, columns.truth, row, strict=True):
                writer.writerow([rater, 1, "main", image, truth, LABELS[code] if code >= 0 else ""])
    for script in SCRIPTS:
        (folder / script).write_bytes((EXPORT / script).read_bytes())
    return results


@pytest.mark.parametrize(("endpoint", "policy", "raters", "missing"), STUDIES)
def test_the_primary_result_comes_out_again_to_the_eighth_digit(tmp_path, endpoint, policy, raters, missing):
    results = write_bundle(tmp_path, endpoint, policy, raters, missing)

    done = subprocess.run(
        [sys.executable, "-I", tmp_path / "recompute.py"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert results.primary
    assert results.primary.estimate.se
    for name in ("primary result", "its standard error", "its interval from"):
        assert f"same    {name}" in done.stdout


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed here")
@pytest.mark.parametrize(("endpoint", "policy", "raters", "missing"), STUDIES)
def test_base_r_gives_the_primary_result_again(tmp_path, endpoint, policy, raters, missing):
    write_bundle(tmp_path, endpoint, policy, raters, missing)

    done = subprocess.run(
        ["Rscript", "--vanilla", "recompute.R"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 numbers compared, 0 differ." in done.stdout


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed here")
def test_base_r_says_that_a_blinded_study_has_no_result_yet(tmp_path):
    results = write_bundle(tmp_path, "fool rate", "wrong", 2, 0.0)
    (tmp_path / "primary.csv").write_text("".join(primary_lines(replace(results, primary=None))))

    done = subprocess.run(
        ["Rscript", "--vanilla", "recompute.R"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "no primary result yet" in done.stdout


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed here")
def test_base_r_names_a_number_that_differs(tmp_path):
    write_bundle(tmp_path, "fool rate", "wrong", 2, 0.0)
    table = tmp_path / "primary.csv"
    table.write_text(re.sub(r"(?m)^se,.*$", "se,0.01\r", table.read_text()))

    done = subprocess.run(
        ["Rscript", "--vanilla", "recompute.R"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "DIFFERS se" in done.stdout
