"""A whole experiment on real X-rays and CT slices: import, train a model, generate, train classifiers, report."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from generation.chains import new_experiment
from generation.models import UtilityExperiment
from generation.utility.config import UtilityConfig
from generation.utility.scores import SCORES
from pool.models import Dataset
from tests.generation.tiny import tiny_config
from tests.utility.datasets import QUICK

pytestmark = pytest.mark.django_db
EACH = 30


@pytest.fixture(autouse=True)
def models_folder(tmp_path: Path, settings: Any) -> None:
    settings.MODELS_DIR = tmp_path / "models"


def brought_in(data: Path, folder: Path, labels: tuple[str, str], group: str, modality: str) -> Dataset:
    """Two images at most of each patient or slice group, of two findings; every third group is for testing."""
    folder.mkdir()
    with (data / "manifest.csv").open() as table:
        rows = [row for row in csv.DictReader(table) if row["label"] in labels]
    rows = [row for row in rows if modality == "ct" or row["file"].startswith("nih")]
    groups: dict[str, str] = {}
    with (folder / "labels.csv").open("w") as table:
        out = csv.writer(table)
        out.writerow(["file", "label", "patient_group", "split"])
        for label in labels:
            seen: Counter[str] = Counter()
            for row in [row for row in rows if row["label"] == label]:
                if seen[row[group]] == 2 or seen.total() == EACH:
                    continue
                seen[row[group]] += 1
                split = groups.setdefault(row[group], "test" if len(groups) % 3 == 0 else "train")
                shutil.copy(data / row["file"], folder)
                out.writerow([row["file"], label, row[group], split])
    call_command(
        "import",
        str(folder),
        *("--dataset", modality, "--origin", "real", "--modality", modality, "--json"),
        *("--labels", str(folder / "labels.csv")),
    )
    return Dataset.objects.get(name=modality)


@pytest.mark.parametrize(
    ("folder", "labels", "group"),
    [
        ("xray", ("normal", "pneumonia"), "patient_group"),
        ("ct", ("normal", "malignant"), "slice_group"),
    ],
)
def test_the_whole_chain_reports_every_number(
    shared_data: Path, tmp_path: Path, folder: str, labels: tuple[str, str], group: str, capsys: Any
) -> None:
    from generation.runs import classes_of

    real = brought_in(shared_data / folder, tmp_path / "files", labels, group, folder)
    settings = {**QUICK, "architectures": ["tiny-densenet", "tiny-efficientnet", "tiny-resnet"], "steps": 6}
    # Neighbouring slices of different groups look alike: what is too close to a test image is left out.
    config = UtilityConfig.from_mapping({**settings, "without_copies": True})
    new_experiment("Chain", real, [], config, generator=tiny_config(classes=classes_of(real)), per_class=12)
    capsys.readouterr()

    call_command("utility", "--resume", "Chain", "--json")

    report = json.loads(capsys.readouterr().out.splitlines()[-1])["report"]
    assert report["images"]["synthetic"] == dict.fromkeys(sorted(labels), 12)
    assert len(report["arms"]) == 3 * 3  # real, synthetic, half of it; for 1 to 1 there are too few fakes
    for arm in report["arms"]:
        assert all(arm["scores"][name]["estimate"] is not None for name in SCORES)
        # One that calls everything alike scores the same in every resample, and the report says so.
        accuracy = arm["scores"]["accuracy"]
        assert accuracy["ci"] or "same value" in accuracy["reason"]
        assert sum(map(sum, arm["confusion"])) == report["test_images"]
        assert arm["reliability"]
    for gap in report["gaps"]:
        assert "p" in gap["mcnemar"]
        assert set(gap["delong"]) == {sorted(labels)[1]}
    assert report["headline"]["balanced_accuracy"]["mean"]["estimate"] is not None
    assert {point["synthetic"] for point in report["curve"]} == {12, 24}
    assert {one["method"] for one in report["explanations"]} == {"lime", "grad-cam"}
    assert not {image.split for image in real.training_runs.get().images.all()} & {"test"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--real", "nothing"], "There is no dataset 'nothing'"),
        (["--real", "R"], "Name a --synthetic dataset, or --train a model"),
        (["--real", "R", "--synthetic", "R"], "--synthetic wants synthetic images; 'R' holds real ones"),
        (["--real", "R", "--train", "tiny"], "--per-class is from 1"),
        (["--real", "R", "--synthetic", "S", "--ratios", "many"], "could not convert"),
        (["--resume", "nothing"], "There is no experiment 'nothing'"),
    ],
)
def test_a_command_that_cannot_be_says_why_and_leaves_nothing(arguments: list[str], said: str) -> None:
    Dataset.objects.create(name="R", origin="real", modality="xray")
    Dataset.objects.create(name="S", origin="synthetic", modality="xray")

    with pytest.raises(CommandError, match=said):
        call_command("utility", *arguments)

    assert not UtilityExperiment.objects.exists()
    assert Dataset.objects.count() == 2
