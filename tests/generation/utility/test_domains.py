"""The documented command of each domain of Ahsan et al. 2024, on a folder laid out as its download is."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from generation.models import UtilityExperiment
from pool.models import Dataset

pytestmark = pytest.mark.django_db

DOCS = Path(__file__).resolve().parents[3] / "docs" / "utility.md"
FOLDERS = {
    "brain-tumour-mri": [
        f"{part}/{kind}"
        for part in ("Training", "Testing")
        for kind in ("glioma", "meningioma", "notumor", "pituitary")
    ],
    "leukaemia-smears": ["Benign", "[Malignant] Early Pre-B", "[Malignant] Pre-B", "[Malignant] Pro-B"],
    "sars-cov-2-ct": ["COVID", "non-COVID"],
}


def documented(folder: str) -> list[list[str]]:
    """The import of this folder and the experiment after it, as the page says them."""
    lines = [line.strip() for line in DOCS.read_text().splitlines()]
    first = next(place for place, line in enumerate(lines) if line.startswith(f"lungrater import {folder} "))
    return [shlex.split(line)[1:] for line in lines[first : first + 2]]


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_documented_commands_queue_the_chain_of_this_domain(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice, colour = np.random.default_rng(0), folder == "leukaemia-smears"
    for name in FOLDERS[folder]:
        (tmp_path / folder / name).mkdir(parents=True)
        for number in range(2):
            pixels: Any = dice.integers(0, 255, (40, 40, 3) if colour else (40, 40), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / folder / name / f"{number}.png")
    monkeypatch.chdir(tmp_path)

    def stop(_experiment: UtilityExperiment) -> None:
        raise CommandError("The chain is queued; that is enough.")

    monkeypatch.setattr("generation.management.commands.utility._see_the_stages_through", stop)
    # Two images of each finding are too few to hold some out, which the form would say.
    monkeypatch.setattr("generation.utility.forms.why_no_experiment", lambda *_: "")
    bring_in, judge = documented(folder)
    call_command(*bring_in)
    with pytest.raises(CommandError, match="queued"):
        call_command(*judge)

    experiment = UtilityExperiment.objects.get()
    dataset, config = Dataset.objects.get(origin="real"), experiment.parsed_config
    labels = {name.split("/")[-1] for name in FOLDERS[folder]}
    assert set(dataset.images.values_list("label", flat=True)) == labels
    assert (config.colour, config.architectures) == (colour, ("densenet121", "efficientnet-b0", "resnet18"))
    assert experiment.training is not None
    assert experiment.training.config["channels"] == (3 if colour else 1)
    assert {kind["label"] for kind in experiment.training.config["classes"]} == labels
    splits = {"train", "test"} if folder == "brain-tumour-mri" else {""}
    assert set(dataset.images.values_list("split", flat=True)) == splits
