"""What machines say of the demo's fakes, and a small model learning: by the forms that people fill in."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from generation.models import QualityReport, TrainingRun, UtilityExperiment
from generation.quality.forms import QualityForm
from generation.training.forms import TrainingForm
from generation.utility.forms import UtilityForm
from pool.models import Dataset

MODEL, EXPERIMENT = "Demo: learning to draw X-rays", "Demo: are the fakes of any use?"


def are_queued() -> bool:
    return all(
        kind.objects.filter(name=name).exists()
        for kind, name in ((TrainingRun, MODEL), (UtilityExperiment, EXPERIMENT))
    )


def queue_training(real: Dataset, *, by: User) -> None:
    """Unless it is there already."""
    if not TrainingRun.objects.filter(name=MODEL).exists():
        # Few steps, and long ones: seconds of work must show a model that learns.
        settings = "checkpoint_every = 25\nwarmup = 10\nlearning_rate = 0.003"
        model = {"name": MODEL, "dataset": real.pk, "size": 32, "steps": 75, "batch": 8}
        _submit(TrainingForm, {**model, "settings": settings}, by)


def queue(real: Dataset, fakes: Dataset, *, by: User) -> None:
    """Each unless it is there already."""
    if not QualityReport.objects.filter(candidate=fakes, reference=real).exists():
        _submit(QualityForm, {"candidate": fakes.pk, "reference": real.pk, "most": 2000, "seed": 0}, by)
    if not UtilityExperiment.objects.filter(name=EXPERIMENT).exists():
        experiment = {"name": EXPERIMENT, "real": real.pk, "synthetic": [fakes.pk], "without_copies": True}
        _submit(UtilityForm, {**experiment, "preset": "tiny", "seeds": 1, "steps": 10, "seed": 0}, by)


def _submit(form_class: Any, fields: dict[str, Any], by: User) -> None:
    form = form_class(fields)
    if not form.is_valid():
        raise ValueError(f"{form_class.__name__}: {form.errors.as_json()}")  # a fault of this file
    form.submit(by)
