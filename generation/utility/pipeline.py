"""A new experiment with all its rows: alone, or behind a training run and the images its model is to make."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from generation.diffusion.config import ConfigError, TrainingConfig
from generation.training.dataset_traits import channels_of, classes_of
from generation.training.models import Checkpoint, TrainingRun
from generation.utility.config import UtilityConfig
from generation.utility.models import UtilityExperiment
from pool.models import Dataset, Modality, Origin

MODEL, IMAGES = "{}: model", "{}: synthetic"
LONGEST_NAME = 80


def names_taken(name: str, *, chain: bool) -> str:
    """A sentence where this name, or one made from it for a chain, is taken; else nothing."""
    if len(name) > LONGEST_NAME:
        return f"A name has at most {LONGEST_NAME} characters."
    if UtilityExperiment.objects.filter(name=name).exists():
        return f"There is an experiment {name!r}; choose another name."
    if not chain:
        return ""
    model = MODEL.format(name)
    if (
        TrainingRun.objects.filter(name=model).exists()
        or Checkpoint.objects.filter(name=model).exists()
        or Dataset.objects.filter(name=IMAGES.format(name)).exists()
    ):
        return f"There is a model or a dataset of the experiment {name!r} already; choose another name."
    return ""


def generator_config(real: Dataset, preset: str, *, seed: int) -> TrainingConfig:
    """A class-conditional model of the dataset's findings. Raises ConfigError."""
    kinds = [vars(kind) for kind in classes_of(real) if kind.label]
    if len(kinds) < 2:
        raise ConfigError(f"{real} has fewer than two findings to learn.")
    settings = {"preset": preset, "classes": kinds, "channels": channels_of(real), "seed": seed}
    return TrainingConfig.from_mapping(settings)


def new_experiment(
    name: str,
    real: Dataset,
    synthetic: list[Dataset],
    config: UtilityConfig,
    *,
    external: Dataset | None = None,
    generator: TrainingConfig | None = None,
    per_class: int | None = None,
    by: Any = None,
) -> UtilityExperiment:
    """The saved, queued experiment, nobody rung for; with a `generator` its run and its dataset stand before it."""
    with transaction.atomic():
        experiment = UtilityExperiment(
            name=name, real=real, external=external, config=config.as_json(), requested_by=by
        )
        if generator is not None:
            experiment.training = TrainingRun.objects.create(
                name=MODEL.format(name),
                dataset=real,
                config=generator.as_json(),
                total=generator.steps,
                requested_by=by,
            )
            experiment.per_class = per_class
            images = Dataset.objects.create(
                name=IMAGES.format(name),
                origin=Origin.SYNTHETIC,
                modality=real.modality,
                description=f"Made for the utility experiment “{name}” by a model trained on {real}.",
                created_by=by,
            )
            images.give_to_maker(by)
            synthetic = [*synthetic, images]
        experiment.save()
        experiment.synthetic.set(synthetic)
    return experiment


def colour_of(real: Dataset, values: dict[str, object]) -> dict[str, object]:
    """The settings with colour where colour is the finding, unless they say otherwise."""
    return {**({"colour": True} if real.modality == Modality.MICROSCOPY else {}), **values}
