"""Training runs and the checkpoints they leave."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any, Self

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.db import models, transaction
from django.db.models.functions import Now
from django.urls import reverse

from accounts.membership.models import EDITORS, Membership, Part, Shared, SharedQuerySet
from audit import record
from generation.diffusion.attributes import Attribute, told_in_words, unknown_in_words
from generation.diffusion.checkpoint_json import CheckpointJSON
from generation.diffusion.checkpoint_source import CheckpointSource
from generation.diffusion.config import ImageClass, TrainingConfig
from generation.diffusion.finetuning.config import FineTuneConfig
from generation.diffusion.kept_metric import value_of
from generation.diffusion.run_config import ConfigError, toml_of
from generation.metrics.checkpoint_metrics import CheckpointMetrics, Fidelity, metric_title
from generation.training.conditions import text_encoders
from jobs.models import Job
from pool.models import Dataset, Image
from pool.storage.stored_files import stored_bytes


class TrainingRun(Job):
    """One model trained on one dataset; `total` counts the steps."""

    queue = "training"
    leaves_early = True

    name = models.CharField(max_length=100, unique=True)
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="training_runs")
    # Whose weights it starts with, where it does not start from nothing.
    parent = models.ForeignKey(
        "Checkpoint", on_delete=models.PROTECT, null=True, blank=True, related_name="warm_started_runs"
    )
    config = models.JSONField(default=dict)
    curve = models.JSONField(default=list, editable=False)  # [[step, loss], …], thinned as it grows
    images_per_second = models.FloatField(null=True, editable=False)
    # What it was shown, noted when it starts: nothing of it may be in a test of what it makes.
    images = models.ManyToManyField(Image, related_name="training_runs", editable=False)
    learning_rate = models.FloatField(null=True, editable=False)
    memory_mb = models.FloatField(null=True, editable=False)
    text_template = models.CharField(max_length=1000, blank=True, editable=False)
    # What the model is told of each image beside its class, in words.
    conditions = models.JSONField(default=list, editable=False)
    # Data, machine and programs, as they were when it started.
    facts = models.JSONField(default=dict, editable=False)

    task = "generation.training.tasks.run_training"
    subjects = ("dataset",)
    fills_the_disk = True

    class Meta(Job.Meta):
        constraints = [
            models.CheckConstraint(condition=models.Q(total__gte=1), name="training_run_has_steps"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("generation:training", args=[self.pk])

    @property
    def is_finetuning(self) -> bool:
        """Whether it goes on from a diffusers pipeline instead of training a network of our own."""
        return "pipeline" in self.config

    @property
    def keeps_weights(self) -> bool:
        """Whether each checkpoint's weights lie with the images; whole pipelines are too large for that."""
        return not self.is_finetuning or bool(self.config.get("rank", 1))

    @property
    def chosen_checkpoint(self) -> Checkpoint | None:
        """The one that stands for the run: the best by the metric that was to be kept, else the last."""
        checkpoints = list(self.checkpoints.order_by("-step", "ema_length"))
        metric = self.config.get("keep_best")
        values = [(value_of(row.metrics, metric), row) for row in checkpoints] if metric else []
        measured = [(value, row) for value, row in values if value is not None]
        best = min(measured, key=lambda pair: pair[0], default=None)
        return best[1] if best is not None else next(iter(checkpoints), None)

    @property
    def chosen_by(self) -> str:
        """In words what `chosen_checkpoint` is the lowest of; "" where it is the last."""
        metric, chosen = self.config.get("keep_best"), self.chosen_checkpoint
        if not metric or chosen is None or value_of(chosen.metrics, metric) is None:
            return ""
        return metric_title(metric, chosen.measured.extractor)

    @property
    def ancestors(self) -> list[Checkpoint]:
        """The checkpoint it started from, the one that one's run started from, and so on."""
        checkpoints: list[Checkpoint] = []
        parent = self.parent
        while parent is not None:
            checkpoints.append(parent)
            parent = parent.run.parent if parent.run else None
        return checkpoints

    def train_longer(self, more_steps: int, *, by: Any = None, enqueue: bool = True) -> bool:
        """Queue a run that reached its end again, for so many more steps; True if it was at its end."""
        total = self.total + more_steps
        at_its_end = TrainingRun.objects.filter(pk=self.pk, state=self.State.SUCCEEDED, total=self.total)
        with transaction.atomic():
            extended = bool(
                at_its_end.update(
                    state=self.State.QUEUED,
                    total=total,
                    config={**self.config, "steps": total},
                    message="",
                    finished_at=None,
                )
            )
            if extended:
                record(self, by, "let a model train longer", steps=total)
                if enqueue:
                    transaction.on_commit(self.enqueue)
        return extended

    @property
    def parsed_config(self) -> TrainingConfig:
        return TrainingConfig.from_mapping(self.config)

    def config_as_toml(self) -> str:
        """All settings, as a config file says them; those of a release that knew others, as they stand."""
        kind = FineTuneConfig if self.is_finetuning else TrainingConfig
        try:
            return kind.from_mapping(self.config).as_toml()
        except ConfigError:
            return toml_of(self.config)

    @property
    def folder(self) -> Path:
        """Where the worker keeps what it needs to go on; checkpoints for use are stored with the images."""
        return Path(settings.MODELS_DIR) / f"run-{self.pk}"


class ToldOfImages(models.Model):
    """What a run's model is told of each image, by the image's key; megabytes, and so in no row that lists read."""

    run = models.OneToOneField(
        TrainingRun, on_delete=models.CASCADE, primary_key=True, related_name="told_of_images"
    )
    attribute_values = models.JSONField(default=dict)
    texts = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"what {self.run} is told"

    @classmethod
    def of(cls, run: TrainingRun) -> Self:
        """Empty where the run is told of no image."""
        return cls.objects.filter(run=run).first() or cls(run=run)

    def in_words(self) -> list[str]:
        config = self.run.config
        lines = told_in_words(
            map(Attribute.from_mapping, config.get("attributes", ())), self.attribute_values
        )
        if text := config.get("text"):
            unknown = sum(not own for own in self.texts.values())
            lines.append(
                f"text “{self.run.text_template}” (read by {text['encoder']}, up to {text['tokens']} tokens), "
                f"{unknown_in_words(unknown, len(self.texts))}"
            )
        return lines


def weights_path(checkpoint: Checkpoint, _filename: str) -> str:
    return f"checkpoints/{checkpoint.sha256[:16]}-{secrets.token_hex(4)}.safetensors"


def samples_path(checkpoint: Checkpoint, _filename: str) -> str:
    return f"checkpoints/{checkpoint.sha256[:16]}-{secrets.token_hex(4)}.png"


class CheckpointQuerySet(SharedQuerySet["Checkpoint"]):
    """A run's checkpoints go with the run; a model that came without one has members, every researcher among them maybe."""

    def visible_to(self, person: Any) -> Self:
        """Those of runs this person sees, and those this person has a part in."""
        runs = TrainingRun.objects.visible_to(person)
        return self.filter(self._came_to(person, Part.values) | models.Q(run__in=runs))

    def editable_by(self, person: Any) -> Self:
        runs = TrainingRun.objects.editable_by(person)
        return self.filter(self._came_to(person, EDITORS) | models.Q(run__in=runs))

    def owned_by(self, person: Any) -> Self:
        """To remove it: of a run, whoever asked for the run or owns the dataset that it learned from."""
        datasets = Dataset.objects.owned_by(person)
        of_run = models.Q(run__requested_by=person.pk) | models.Q(run__dataset__in=datasets)
        return self.filter(self._came_to(person, [Part.OWNER]) | of_run)

    def joinable_by(self, person: Any) -> Self:
        """Of those that came without a run; a run's go with its dataset."""
        return super().joinable_by(person).filter(run=None)

    def _came_to(self, person: Any, parts: Iterable[str]) -> models.Q:
        """Imported ones in which this person has one of these parts."""
        return models.Q(run=None) & models.Q(models.Exists(self._granted(person, parts)))

    def newest_by_name(self, name: str) -> Checkpoint | None:
        """The checkpoint of this name, or the last one of the run of this name."""
        return (
            self.filter(name=name).first()
            or self.filter(run__name=name).order_by("-step", "ema_length").first()
        )

    def in_training(self) -> Self:
        """Those that runs left themselves, first to last, without averages of another length made later."""
        return self.filter(ema_length=0).order_by("step")

    def that_sample(self) -> Self:
        """Networks of our own, which the diffusion engine samples; what fine-tuning leaves is a pipeline's."""
        return self.filter(models.Q(run=None) | ~models.Q(run__config__has_key="pipeline"))

    def newest_of_each_run(self) -> Self:
        """One checkpoint a run, the last, and those that came without a run."""
        newest = self.filter(run=models.OuterRef("run")).order_by("-step", "ema_length").values("pk")[:1]
        return self.filter(models.Q(run=None) | models.Q(pk=models.Subquery(newest)))


class Checkpoint(Shared):
    """The averaged weights of a model at one step, and all that is needed to sample from it."""

    name = models.CharField(max_length=120, unique=True)
    run = models.ForeignKey(TrainingRun, on_delete=models.PROTECT, null=True, related_name="checkpoints")
    step = models.PositiveIntegerField()
    # Of an average put together after training its length, σ_rel; 0 of what the run itself kept.
    ema_length = models.FloatField(default=0.0)
    description = models.JSONField()
    sha256 = models.CharField(max_length=64)
    weights = models.FileField(upload_to=weights_path, max_length=200)
    samples = models.FileField(upload_to=samples_path, max_length=200, blank=True)
    # Fixed seeds in a square, and the most suspicious of them beside the training images they are nearest to.
    grid = models.FileField(upload_to=samples_path, max_length=200, blank=True)
    neighbours = models.FileField(upload_to=samples_path, max_length=200, blank=True)
    metrics = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = CheckpointQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-step"]
        constraints = [
            models.UniqueConstraint(fields=["run", "step", "ema_length"], name="checkpoint_once_per_step"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("generation:checkpoint", args=[self.pk])

    @classmethod
    def store(
        cls,
        name: str,
        description: CheckpointJSON,
        weights: bytes | Path,
        *,
        keep_weights: bool = True,
        run: TrainingRun | None = None,
        ema_length: float = 0.0,
        samples: bytes = b"",
        grid: bytes = b"",
        neighbours: bytes = b"",
        metrics: Mapping[str, object] | None = None,
    ) -> Checkpoint:
        """A row with its files; one that stands under this name already is returned as it is."""
        existing = cls.objects.filter(name=name).first()
        if existing is not None:
            return existing
        with weights.open("rb") if isinstance(weights, Path) else BytesIO(weights) as stream:
            row = cls(
                name=name,
                run=run,
                step=description["step"],
                ema_length=ema_length,
                description=description,
                sha256=hashlib.file_digest(stream, "sha256").hexdigest(),
                metrics=dict(metrics or {}),
            )
            if keep_weights:
                row.weights.save("", File(stream), save=False)
        for file, content in ((row.samples, samples), (row.grid, grid), (row.neighbours, neighbours)):
            if content:
                file.save("", ContentFile(content), save=False)
        row.save(force_insert=True)
        return row

    @cached_property
    def config(self) -> TrainingConfig:
        return TrainingConfig.from_mapping(self.description["config"])

    @property
    def is_named(self) -> bool:
        """Whether a person has given it a name of its own."""
        return self.run is None or self.name != f"{self.run.name}@{self.step}"

    def rename(self, name: str, *, by: Any) -> None:
        """Give it a name that is free; it is then kept when others of its run are pruned."""
        record(self, by, "renamed a checkpoint", before=self.name, name=name)
        self.name = name
        self.save(update_fields=["name"])

    @property
    def is_readable(self) -> bool:
        """Whether this release knows all of its settings, and so can make images with it."""
        try:
            return bool(self.config)
        except ConfigError:
            return False

    @property
    def measured(self) -> CheckpointMetrics:
        """The numbers among `metrics`."""
        return CheckpointMetrics.from_json(self.metrics)

    @property
    def fidelity(self) -> Fidelity:
        """What was measured of it, for the images it makes: there the analysis of a study finds it."""
        metrics = self.measured
        facts: Fidelity = {}
        if metrics.distances.fid is not None:
            facts["fid"] = metrics.distances.fid
        if metrics.distances.kid is not None:
            facts["kid"] = metrics.distances.kid
        if facts and metrics.extractor:
            facts["fid_extractor"] = metrics.extractor.name
        if further := [words for row in metrics.further for words in row.as_words()]:
            facts["further_distances"] = further
        return facts

    @property
    def kinds(self) -> tuple[ImageClass, ...]:
        """What the model can be asked for: its classes, or the one kind it was trained on."""
        stated = str(self.description.get("facts", {}).get("modality", "xray"))
        modality = self.run.dataset.modality if self.run else stated
        return self.config.classes or (ImageClass(modality, ""),)

    @property
    def samplers(self) -> tuple[str, ...]:
        return self.config.samplers

    def source(self) -> CheckpointSource:
        """What the diffusion engine needs; the weights are read only when a worker wants them."""
        text = self.config.text
        encoder = text_encoders.folder() / text.encoder if text else None
        return CheckpointSource(self.sha256, self.name, self.description, self._read, encoder)

    def _read(self) -> bytes:
        return stored_bytes(self.weights, f"the checkpoint {self.name}")


class CheckpointMembership(Membership):
    """A person's, a group's or every researcher's part in a model that came without a run."""

    subject = models.ForeignKey(Checkpoint, on_delete=models.CASCADE, related_name="memberships")
