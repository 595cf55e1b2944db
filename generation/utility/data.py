"""The images of an experiment: which are trained on, which are tested on, and whether anything leaks between them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import models
from numpy.typing import NDArray

from generation.images.models import GenerationJob
from generation.training import tuned_models
from generation.training.models import TrainingRun
from generation.utility.config import UtilityConfig
from generation.utility.leakage import Leak, LeakCandidate, leaks
from generation.utility.models import UtilityExperiment
from jobs.models import JobFailedError
from pool.canonical.previews import squares
from pool.copies.of_images import copies_of
from pool.models import Dataset, Image, ImageQuerySet, NearCopy
from pool.splits import held_out_images, is_split_here, split_in_words, training_images

Pulse = Callable[[], None]


@dataclass(frozen=True)
class Material:
    """Images in the order of their pixel hashes, and what has to be said of them."""

    real: Sequence[Image]
    synthetic: Sequence[Image]
    test: Sequence[Image]
    classes: tuple[str, ...]
    leaks: Sequence[Leak]
    notes: Sequence[str]

    @property
    def sha256(self) -> str:
        """One hash for the same images with the same labels on the same sides."""
        sides = (self.real, self.synthetic, self.test)
        lines = [" ".join(f"{image.pixel_sha256}:{image.label}" for image in side) for side in sides]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def numbers(self, images: Sequence[Image]) -> NDArray[np.int64]:
        return np.array([self.classes.index(image.label) for image in images], dtype=np.int64)

    def patients(self) -> list[str]:
        """Who each test image is of; an image without a patient stands for itself."""
        return [image.patient_key or image.pixel_sha256 for image in self.test]

    def without_copies(self) -> Material:
        """The same without the training images that are copies of test images."""
        out = {key for leak in self.leaks if leak.kind == "copy" for key in leak.training_keys}
        note = f"{len(out):,} training images that are copies or nearly copies of test images were left out."
        return Material(
            [image for image in self.real if str(image.pk) not in out],
            [image for image in self.synthetic if str(image.pk) not in out],
            self.test,
            self.classes,
            [leak for leak in self.leaks if leak.kind != "copy"],
            [*self.notes, note] if out else self.notes,
        )


def material_of(experiment: UtilityExperiment, config: UtilityConfig, *, pulse: Pulse) -> Material:
    """The experiment's images, looked through for leaks. Raises JobFailedError where they make no experiment."""
    dataset = experiment.real
    sides = {side: list(images) for side, images in _sides(dataset, experiment.synthetic.all()).items()}
    labels = {side: Counter(image.label for image in images) for side, images in sides.items()}
    if reason := _why_none(dataset, config.labels, labels):
        raise JobFailedError(reason)
    classes = _classes(config.labels, labels)
    labelled = {side: [image for image in images if image.label in classes] for side, images in sides.items()}
    generator = Image.objects.filter(training_runs__in=runs_behind(experiment)).distinct()
    leaks_found = _leaks([*labelled["training"], *labelled["synthetic"]], labelled["test"], generator, pulse)
    notes = [
        f"Test split: {split_in_words(dataset)}",
        *(
            f"{len(images) - len(labelled[side]):,} {side} images have another label and were left out."
            for side, images in sides.items()
            if len(images) > len(labelled[side])
        ),
        *_unknown(experiment, labelled["test"]),
    ]
    return Material(
        labelled["training"], labelled["synthetic"], labelled["test"], classes, leaks_found, notes
    )


def why_no_experiment(dataset: Dataset, synthetic: Iterable[Dataset] | None, labels: Sequence[str]) -> str:
    """One sentence where these images make no experiment, by their labels alone; else nothing.

    `synthetic` is None where a model is still to make them.
    """
    sides = _sides(dataset, synthetic or ())
    if synthetic is None:
        del sides["synthetic"]
    counts = {
        side: Counter(dict(images.order_by().values_list("label").annotate(models.Count("pk"))))
        for side, images in sides.items()
    }
    return _why_none(dataset, labels, counts)


def runs_behind(experiment: UtilityExperiment) -> set[TrainingRun]:
    """The training runs that the synthetic images came from, through every pipeline and LoRA made here."""
    jobs = GenerationJob.objects.filter(dataset__in=experiment.synthetic.all())
    runs: set[Any] = set(TrainingRun.objects.filter(checkpoints__jobs__in=jobs))
    names = {run.config["pipeline"] for run in runs if run.is_finetuning}
    for model_and_lora in jobs.filter(engine=GenerationJob.Engine.PIPELINE).values_list(
        "api_model", "settings__lora"
    ):
        names.update(filter(None, model_and_lora))
    return runs | tuned_models.runs_behind(names)


def squares_of(images: Sequence[Image], config: UtilityConfig, *, pulse: Pulse) -> NDArray[np.uint8]:
    """The images as the networks see them: (n, size, size) or (n, size, size, 3)."""
    return squares(images, side=config.size, colour=config.colour, pulse=pulse)


def _sides(dataset: Dataset, synthetic: Iterable[Dataset]) -> dict[str, ImageQuerySet]:
    generated = Image.objects.usable().filter(dataset__in=synthetic).order_by("pixel_sha256", "pk")
    return {"training": _training_side(dataset), "test": held_out_images(dataset), "synthetic": generated}


def _training_side(dataset: Dataset) -> ImageQuerySet:
    """What stands for training. Marked by hand, a patient may be on both sides: that is for the leak check to refuse."""
    if is_split_here(dataset):
        return training_images(dataset)
    return dataset.images.usable().exclude(split=Image.Split.TEST).order_by("pixel_sha256")


def _classes(labels: Sequence[str], counts: dict[str, Counter[str]]) -> tuple[str, ...]:
    return tuple(labels) or tuple(sorted(filter(None, counts["test"])))


def _why_none(dataset: Dataset, labels: Sequence[str], counts: dict[str, Counter[str]]) -> str:
    """A sentence where the labels of the sides make no experiment; else nothing."""
    if not counts["test"]:
        return f"{dataset} has no test split. {split_in_words(dataset)}"
    classes = _classes(labels, counts)
    if len(classes) < 2:
        return (
            "The test images have fewer than two labels, so there is nothing to tell apart. Labels are added by "
            "importing the same files again with them."
        )
    for side, there in counts.items():
        if missing := [label for label in classes if not there[label]]:
            return f"There are no {side} images of “{'”, “'.join(missing)}”."
    return ""


def _leaks(
    training: Sequence[Image], test: Sequence[Image], generator: Iterable[Image], pulse: Pulse
) -> list[Leak]:
    listed = NearCopy.objects.filter(image__in=training, of__in=test).values_list("image", "of")
    search = [(image.pk, of.pk) for image, of in copies_of(training, test, pulse=pulse)]
    return leaks(
        [_leak_candidate(image) for image in training],
        [_leak_candidate(image) for image in test],
        [_leak_candidate(image) for image in generator],
        copies=[(str(image), str(of)) for image, of in (*listed, *search)],
    )


def _leak_candidate(image: Image) -> LeakCandidate:
    return LeakCandidate(
        str(image.pk),
        image.patient_key,
        image.pixel_sha256,
        synthetic=image.origin == "synthetic",
    )


def _unknown(experiment: UtilityExperiment, test: Sequence[Image]) -> list[str]:
    """What the leak check could not see."""
    sentences = []
    if strangers := sum(1 for image in test if not image.patient_key):
        sentences.append(
            f"Of {strangers:,} test images no patient is known; each was taken as a patient of its own."
        )
    made_here = set(Dataset.objects.filter(generation_jobs__checkpoint__run__images__isnull=False))
    with_lora = GenerationJob.objects.filter(settings__lora__gt="").values_list("dataset", "settings__lora")
    foreign = {dataset for dataset, lora in with_lora if tuned_models.run_behind(lora) is None}
    foreign_names = [
        str(synthetic_dataset)
        for synthetic_dataset in experiment.synthetic.all()
        if synthetic_dataset not in made_here or synthetic_dataset.pk in foreign
    ]
    if foreign_names:
        sentences.append(
            f"What the generator of {', '.join(foreign_names)} learned from is not known here: only copies were looked for."
        )
    return sentences
