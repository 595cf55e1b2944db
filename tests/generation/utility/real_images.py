"""Real X-rays and CT slices brought into a pool by patient or slice group, and experiments on them."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from pathlib import Path

from django.core.management import call_command

from generation.models import UtilityExperiment
from generation.training.dataset_traits import classes_of
from generation.utility.config import UtilityConfig
from generation.utility.pipeline import new_experiment
from pool.models import Dataset
from tests.generation.tiny import tiny_config
from tests.generation.utility.datasets import QUICK

EACH, MADE = 24, 12
LABELS = {"xray": ("normal", "pneumonia"), "ct": ("malignant", "normal")}
GROUP = {"xray": "patient_group", "ct": "slice_group"}


def brought_in(data: Path, folder: Path, modality: str) -> Dataset:
    """Two images at most of each patient or slice group, of two findings; every third group is for testing."""
    folder.mkdir()
    with (data / modality / "manifest.csv").open() as table:
        rows = [row for row in csv.DictReader(table) if row["file"].startswith(("nih", "iq"))]
    groups: dict[str, str] = {}
    with (folder / "labels.csv").open("w") as table:
        out = csv.writer(table)
        out.writerow(["file", "label", "patient_group", "split"])
        for label in LABELS[modality]:
            counts: Counter[str] = Counter()
            for row in [row for row in rows if row["label"] == label]:
                group = row[GROUP[modality]]
                if counts[group] == 2 or counts.total() == EACH:
                    continue
                counts[group] += 1
                split = groups.setdefault(group, "test" if len(groups) % 3 == 0 else "train")
                shutil.copy(data / modality / row["file"], folder)
                out.writerow([row["file"], label, group, split])
    words = ("--dataset", modality, "--origin", "real", "--modality", modality, "--json")
    call_command("import", str(folder), *words, "--labels", str(folder / "labels.csv"))
    return Dataset.objects.get(name=modality)


def chain_on(real: Dataset) -> UtilityExperiment:
    """A queued experiment behind a model of its own, with all three small networks; nobody is rung for."""
    networks = ["tiny-densenet", "tiny-efficientnet", "tiny-resnet"]
    # Neighbouring slices of different groups look alike: what is too close to a test image is left out.
    config = UtilityConfig.from_mapping({**QUICK, "architectures": networks, "without_copies": True})
    model = tiny_config(classes=classes_of(real))
    return new_experiment(f"Chain on {real}", real, [], config, generator=model, per_class=MADE)
