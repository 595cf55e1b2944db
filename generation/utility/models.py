"""Utility experiments: what the fakes are good for, each classifier and each explanation a row of its own."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Now
from django.urls import reverse

from generation.images.models import GenerationJob
from generation.training.models import Checkpoint, TrainingRun
from generation.utility.config import UtilityConfig
from generation.utility.duration import MeasuredFit, last_fits, seconds_to_go
from generation.utility.results import UtilityResults
from jobs.models import Job, JobQuerySet
from pool.canonical.typed_json import from_json
from pool.models import Dataset, Image

MOST_PER_CLASS = 20_000
MOST_FITS = 50  # by which an experiment's time is said


class UtilityExperimentQuerySet(JobQuerySet["UtilityExperiment"]):
    def _of(self, person: Any, part: str) -> Self:
        """As of every job; an external test set has to be in sight as well, for its numbers are in the report."""
        in_sight = models.Q(external__isnull=True) | models.Q(external__in=Dataset.objects.visible_to(person))
        return super()._of(person, part).filter(in_sight | models.Q(requested_by=person.pk))

    def in_a_chain(self) -> Self:
        """Those that wait for a model of their own, or for its images."""
        return self.waiting().filter(training__isnull=False)


class UtilityExperiment(Job):
    """Classifiers trained on synthetic, real and both kinds of images, tested on the untouched real test split.

    With `training` it is the end of a chain: the model is trained, then makes `per_class` images of each finding,
    then the experiment begins. `total` counts the classifiers.
    """

    queue = "training"

    name = models.CharField(max_length=100, unique=True)
    real = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="utility_tested_on")
    synthetic = models.ManyToManyField(Dataset, related_name="utility_trained_on")
    # Of another site: every arm is tested on it too, none is trained on it.
    external = models.ForeignKey(
        Dataset, on_delete=models.PROTECT, null=True, related_name="utility_external_to"
    )
    config = models.JSONField(default=dict)
    training = models.ForeignKey(TrainingRun, on_delete=models.PROTECT, null=True, related_name="experiments")
    per_class = models.PositiveIntegerField(null=True)
    generation = models.ForeignKey(
        GenerationJob, on_delete=models.PROTECT, null=True, related_name="experiments"
    )
    # Which images the classifiers so far were trained and tested on; others make them void.
    material = models.CharField(max_length=64, blank=True, editable=False)
    leaks = models.JSONField(default=list, editable=False)
    report = models.JSONField(default=dict, editable=False)

    objects: ClassVar[Any] = UtilityExperimentQuerySet.as_manager()

    task = "generation.utility.tasks.run_utility"
    subjects = ("real",)
    fills_the_disk = True

    class Meta(Job.Meta):
        constraints = [
            models.CheckConstraint(
                condition=models.Q(training__isnull=True, per_class__isnull=True, generation__isnull=True)
                | models.Q(training__isnull=False, per_class__gte=1, per_class__lte=MOST_PER_CLASS),
                name="utility_chain_is_whole",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("generation:utility", args=[self.pk])

    def enqueue(self) -> None:
        """Tell a worker, once the stages before have ended; until then see to it that the next one begins."""
        if self.advance():
            super().enqueue()

    def in_turn(self) -> UtilityExperiment | None:
        return self if self.advance() else None

    def advance(self, *, enqueue: bool = True) -> bool:
        """True when it is the experiment's own turn; else the next stage is begun, or the failed one is told of."""
        if self.training is None:
            return True
        with transaction.atomic():
            UtilityExperiment.objects.select_for_update(of=("self",)).get(pk=self.pk)
            self.refresh_from_db()
            if self.training.state == self.State.SUCCEEDED and self.generation is None:
                self.generation = self._images_of(self.training)
                self.generation.submit() if enqueue else self.generation.save()
                self.save(update_fields=["generation"])
            for stage, what in ((self.training, "model"), (self.generation, "images")):
                if stage is None or stage.is_active:
                    return False
                if stage.state != self.State.SUCCEEDED:
                    self._give_up(
                        f"The experiment's {what} could not be made: {stage.error or 'it was stopped.'}"
                    )
                    return False
        return True

    def _images_of(self, run: TrainingRun) -> GenerationJob:
        """The job for `per_class` images of each finding from the run's last checkpoint, finding after finding in turn."""
        checkpoint = Checkpoint.objects.newest_by_name(run.name)
        if checkpoint is None or self.per_class is None:
            raise ValueError(f"{run} succeeded without a checkpoint")
        labels = self.parsed_config.labels or [kind.label for kind in checkpoint.kinds if kind.label]
        return GenerationJob(
            engine=GenerationJob.Engine.DIFFUSION,
            checkpoint=checkpoint,
            dataset=self.synthetic.latest("pk"),  # the one made for them
            modality=self.real.modality,
            image_specs=[{"prompt": "", "label": label} for label in labels],
            total=self.per_class * len(labels),
            seed=self.parsed_config.seed,
            requested_by=self.requested_by,
        )

    def _give_up(self, error: str) -> None:
        UtilityExperiment.objects.waiting().filter(pk=self.pk).update(
            state=self.State.FAILED, error=error, finished_at=Now()
        )

    def resume(self, *, by: Any = None, enqueue: bool = True) -> bool:
        """Let it make what is missing, its stages too."""
        with transaction.atomic():
            resumed = super().resume(by=by, enqueue=enqueue)
            if resumed:
                self.refresh_from_db()
                for _, stage in self.stages:
                    stage.resume(by=by)
        return resumed

    def request_cancel(self, *, by: Any = None) -> None:
        """Stop the experiment and whatever stage of its chain is at work."""
        super().request_cancel(by=by)
        for _, stage in self.stages:
            if stage.is_active:
                stage.request_cancel(by=by)

    @property
    def stages(self) -> list[tuple[str, TrainingRun | GenerationJob]]:
        """The jobs before the experiment, as far as they are there."""
        by_name = [("Model", self.training), ("Images", self.generation)]
        return [(name, stage) for name, stage in by_name if stage is not None]

    @property
    def seconds_left(self) -> float | None:
        """By the classifiers of this very experiment; None before each of its networks was trained once."""
        if self.state != self.State.RUNNING or not self.total:
            return None
        fits = self.fits.values_list("arm", "architecture", "seconds")
        return seconds_to_go(self.parsed_config, self.total, fits)

    @property
    def parsed_config(self) -> UtilityConfig:
        return UtilityConfig.from_mapping(self.config)

    @property
    def results(self) -> UtilityResults:
        """The report's numbers; there are none before it is written."""
        return from_json(UtilityResults, self.report)

    @property
    def folder(self) -> Path:
        """Where the worker keeps the classifiers."""
        return Path(settings.MODELS_DIR) / f"utility-{self.pk}"


class UtilityFitQuerySet(models.QuerySet["UtilityFit"]):
    def last_of(self, architecture: str) -> list[MeasuredFit]:
        """How long the newest classifiers of this architecture took."""
        rows = self.filter(architecture=architecture).order_by("-pk")
        columns = rows.values_list("arm", "architecture", "experiment__config", "seconds")
        return last_fits(columns[:MOST_FITS])


class UtilityFit(models.Model):
    """One classifier, trained and tested: what it said of every test image, in the order of their pixel hashes.

    `external_probabilities` are of the external test set, likewise; empty where there is none.
    """

    experiment = models.ForeignKey(UtilityExperiment, on_delete=models.CASCADE, related_name="fits")
    arm = models.CharField(max_length=60)
    architecture = models.CharField(max_length=30)
    seed = models.PositiveSmallIntegerField()
    real = models.PositiveIntegerField()
    synthetic = models.PositiveIntegerField()
    probabilities = models.JSONField()
    external_probabilities = models.JSONField(default=list)
    losses = models.JSONField(default=list)
    seconds = models.FloatField()

    objects = UtilityFitQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["experiment", "arm", "architecture", "seed"], name="utility_fit_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.arm}, {self.architecture}, seed {self.seed}"


def map_path(_row: models.Model, _filename: str) -> str:
    return f"utility/{secrets.token_hex(16)}.png"


class UtilityExplanation(models.Model):
    """Where one classifier looked on one test image, as a map over the image."""

    experiment = models.ForeignKey(UtilityExperiment, on_delete=models.CASCADE, related_name="explanations")
    image = models.ForeignKey(Image, on_delete=models.PROTECT, related_name="+")
    arm = models.CharField(max_length=60)
    architecture = models.CharField(max_length=30)
    method = models.CharField(max_length=10)
    probability = models.FloatField()  # of the true class
    saliency_map = models.FileField(upload_to=map_path, max_length=200)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["experiment", "image", "arm", "architecture", "method"],
                name="utility_explanation_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.method} of {self.image_id} by {self.architecture}, {self.arm}"
