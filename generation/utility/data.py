"""The images of an experiment: which are trained on, which are tested on, and whether anything leaks between them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from django.db import models
from numpy.typing import NDArray

from generation.images.models import GenerationJob
from generation.training import tuned_models
from generation.training.models import TrainingRun
from generation.utility.config import UtilityConfig
from generation.utility.leakage import EXTERNAL, INTERNAL, Leak, LeakCandidate, TestSide, leaks
from generation.utility.models import UtilityExperiment
from jobs.models import JobFailedError
from pool.canonical.previews import squares
from pool.copies.of_images import Gallery
from pool.models import Dataset, Image, ImageQuerySet, NearCopy
from pool.splits import held_out_images, is_split_here, split_in_words, training_images

Pulse = Callable[[], None]
EXTERNAL_SIDE = "external test"


@dataclass(frozen=True)
class Material:
    """Images in the order of their pixel hashes, and what has to be said of them."""

    real: Sequence[Image]
    synthetic: Sequence[Image]
    test: Sequence[Image]
    classes: tuple[str, ...]
    leaks: Sequence[Leak]
    notes: Sequence[str]
    external: Sequence[Image] = ()  # the external test set, where there is one

    @property
    def sha256(self) -> str:
        """One hash for the same images with the same labels on the same sides."""
        sides = [self.real, self.synthetic, self.test, *([self.external] if self.external else [])]
        lines = [" ".join(f"{image.pixel_sha256}:{image.label}" for image in side) for side in sides]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def numbers(self, images: Sequence[Image]) -> NDArray[np.int64]:
        return np.array([self.classes.index(image.label) for image in images], dtype=np.int64)

    def without_copies(self) -> Material:
        """The same without the training images that are copies of test images."""
        out = {key for leak in self.leaks if leak.kind == "copy" for key in leak.training_keys}
        note = f"{len(out):,} training images that are copies or nearly copies of test images were left out."
        return replace(
            self,
            real=[image for image in self.real if str(image.pk) not in out],
            synthetic=[image for image in self.synthetic if str(image.pk) not in out],
            leaks=[leak for leak in self.leaks if leak.kind != "copy"],
            notes=[*self.notes, note] if out else self.notes,
        )


def patients_of(images: Sequence[Image]) -> list[str]:
    """Who each image is of; an image without a patient stands for itself."""
    return [image.patient_key or image.pixel_sha256 for image in images]


def material_of(experiment: UtilityExperiment, config: UtilityConfig, *, pulse: Pulse) -> Material:
    """The experiment's images, looked through for leaks. Raises JobFailedError where they make no experiment."""
    dataset = experiment.real
    chosen = _sides(dataset, experiment.synthetic.all(), experiment.external)
    sides = {side: list(images) for side, images in chosen.items()}
    labels = {side: Counter(image.label for image in images) for side, images in sides.items()}
    if reason := _why_none(dataset, config.labels, labels):
        raise JobFailedError(reason)
    classes = _classes(config.labels, labels)
    labelled = {side: [image for image in images if image.label in classes] for side, images in sides.items()}
    test, external = labelled["test"], labelled.get(EXTERNAL_SIDE, [])
    generator = Image.objects.filter(training_runs__in=runs_behind(experiment)).distinct()
    search = LeakSearch.of([*labelled["training"], *labelled["synthetic"]], generator, pulse=pulse)
    notes = [
        f"Test split: {split_in_words(dataset)}",
        *(
            f"{len(images) - len(labelled[side]):,} {side} images have another label and were left out."
            for side, images in sides.items()
            if len(images) > len(labelled[side])
        ),
        *_unknown(experiment, [*test, *external]),
        *_shared(test, external),
    ]
    leaks_of_both = [*search.leaks(test, INTERNAL), *(search.leaks(external, EXTERNAL) if external else [])]
    return Material(
        labelled["training"], labelled["synthetic"], test, classes, leaks_of_both, notes, external
    )


def why_no_experiment(
    dataset: Dataset,
    synthetic: Iterable[Dataset] | None,
    labels: Sequence[str],
    external: Dataset | None = None,
) -> str:
    """One sentence where these images make no experiment, by their labels alone; else nothing.

    `synthetic` is None where a model is still to make them.
    """
    sides = _sides(dataset, synthetic or (), external)
    if synthetic is None:
        del sides["synthetic"]
    counts = {
        side: Counter(dict(images.order_by().values_list("label").annotate(models.Count("pk"))))
        for side, images in sides.items()
    }
    return _why_none(dataset, labels, counts)


def sizes(dataset: Dataset, synthetic: Iterable[Dataset], labels: Sequence[str]) -> tuple[int, int]:
    """How many real and synthetic images there are to train on, of these findings or of those of the test split."""
    sides = _sides(dataset, synthetic, None)
    classes = labels or sorted(
        set(sides["test"].exclude(label="").order_by().values_list("label", flat=True))
    )
    real, generated = (sides[side].filter(label__in=classes).count() for side in ("training", "synthetic"))
    return real, generated


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


def _sides(
    dataset: Dataset, synthetic: Iterable[Dataset], external: Dataset | None
) -> dict[str, ImageQuerySet]:
    generated = Image.objects.usable().filter(dataset__in=synthetic).order_by("pixel_sha256", "pk")
    sides = {"training": _training_side(dataset), "test": held_out_images(dataset), "synthetic": generated}
    if external is not None:
        sides[EXTERNAL_SIDE] = external.images.usable().order_by("pixel_sha256", "pk")
    return sides


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
    strangers = sorted(set(counts.get(EXTERNAL_SIDE, ())) - {"", *classes})
    if strangers and not labels:
        return (
            f"The external test set has images of “{'”, “'.join(strangers)}”, which are not told apart here: the test "
            f"split has “{'”, “'.join(classes)}”. Name the findings to tell apart, or label the two alike."
        )
    return ""


@dataclass(frozen=True)
class LeakSearch:
    """What is trained on, looked through once, and what the generator has learned from."""

    training: Sequence[Image]
    generator: Sequence[LeakCandidate]
    gallery: Gallery
    pulse: Pulse

    @classmethod
    def of(cls, training: Sequence[Image], generator: Iterable[Image], *, pulse: Pulse) -> LeakSearch:
        learned = [_leak_candidate(image) for image in generator]
        return cls(training, learned, Gallery.of(training, pulse=pulse), pulse)

    def leaks(self, test: Sequence[Image], side: TestSide) -> list[Leak]:
        """What of it makes a test on these images too easy."""
        listed = NearCopy.objects.filter(image__in=self.training, of__in=test).values_list("image", "of")
        copied = Gallery.of(test, pulse=self.pulse).copied_by(self.gallery, pulse=self.pulse)
        search = [(image.pk, of.pk) for image, of in copied.pairs]
        return leaks(
            [_leak_candidate(image) for image in self.training],
            [_leak_candidate(image) for image in test],
            self.generator,
            copies=[(str(image), str(of)) for image, of in (*listed, *search)],
            side=side,
        )


def _shared(test: Sequence[Image], external: Sequence[Image]) -> list[str]:
    """A sentence where images of the external test set are of the test split's patients: there the two are one test."""
    patients = set(patients_of(test))
    number = sum(1 for patient in patients_of(external) if patient in patients)
    if not number:
        return []
    sentence = (
        f"{number:,} images of the external test set are of patients of the test split, or the same images."
    )
    return [f"{sentence} So far the two tests are one."]


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
