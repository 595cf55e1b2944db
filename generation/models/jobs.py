"""Generation jobs and the full denominator of what they were asked for."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models.functions import Now
from django.urls import reverse

from generation.models.training import Checkpoint
from pool.jobs import Job, JobQuerySet
from pool.models import Dataset, Image, Modality, Origin

MOST_IMAGES = 100_000
MOST_SEED = 2**53 - 1  # what JSON and JavaScript can still hold exactly


class GenerationJobQuerySet(JobQuerySet):
    def with_counts(self) -> Self:
        """Each job, newest first, with how many images were made, failed, were refused or were there already."""
        counts = {
            f"{outcome}_count": models.Count("outcomes", filter=models.Q(outcomes__outcome=outcome))
            for outcome in GeneratedImage.Outcome.values
        }
        return (
            self.select_related("dataset", "checkpoint", "requested_by")
            .annotate(**counts)
            .order_by("-created_at", "-pk")
        )


class GenerationJob(Job):
    """A wish for `total` images of one kind from one engine, into one dataset."""

    class Engine(models.TextChoices):
        PHANTOM = "phantom", "Phantom (drawn by a program)"
        DIFFUSION = "diffusion", "Diffusion model"
        OPENAI = "openai", "OpenAI Images API"

    QUEUES = {Engine.PHANTOM: "cpu", Engine.DIFFUSION: "gpu", Engine.OPENAI: "api"}

    engine = models.CharField(max_length=10, choices=Engine)
    checkpoint = models.ForeignKey(
        Checkpoint, on_delete=models.PROTECT, null=True, blank=True, related_name="jobs"
    )
    api_model = models.CharField("API model", max_length=100, blank=True)
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="generation_jobs")
    modality = models.CharField(max_length=10, choices=Modality)
    label = models.CharField("finding", max_length=100, blank=True)
    prompt = models.TextField(blank=True, max_length=32_000)
    seed = models.PositiveBigIntegerField(default=0, validators=[MaxValueValidator(MOST_SEED)])
    settings = models.JSONField(default=dict, blank=True)

    objects: ClassVar[Any] = GenerationJobQuerySet.as_manager()

    class Meta(Job.Meta):
        constraints = [
            models.CheckConstraint(
                condition=models.Q(engine__in=["phantom", "diffusion", "openai"]),
                name="generation_engine_known",
            ),
            models.CheckConstraint(
                condition=models.Q(total__gte=1, total__lte=MOST_IMAGES),
                name="generation_count_in_range",
                violation_error_message=f"A job makes from 1 to {MOST_IMAGES:,} images.",
            ),
            models.CheckConstraint(
                condition=~models.Q(engine="diffusion") | models.Q(checkpoint__isnull=False),
                name="generation_diffusion_has_checkpoint",
                violation_error_message="Choose the model that is to make the images.",
            ),
            models.CheckConstraint(
                condition=~models.Q(engine="openai") | (~models.Q(api_model="") & ~models.Q(prompt="")),
                name="generation_api_has_model_and_prompt",
                violation_error_message="The Images API needs the name of a model and a prompt.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.total} × {self.model_name} into {self.dataset}"

    def get_absolute_url(self) -> str:
        return reverse("generation:job", args=[self.pk])

    def clean(self) -> None:
        """Only drawings may stand in for real images; nothing generated is ever filed as real."""
        dataset = self.dataset if self.dataset_id else None
        if dataset is None:
            return
        if dataset.modality != self.modality:
            raise ValidationError({"modality": f"{dataset} holds {dataset.get_modality_display()} images."})
        if dataset.origin == Origin.REAL and self.engine != self.Engine.PHANTOM:
            raise ValidationError(f"{dataset} holds real images; generated ones need a dataset of their own.")

    @property
    def model_name(self) -> str:
        if self.engine == self.Engine.DIFFUSION:
            return str(self.checkpoint)
        return self.api_model or "phantom"

    @property
    def queue(self) -> str:
        return self.QUEUES[self.Engine(self.engine)]

    def run(self) -> None:
        from generation.filling import fill

        fill(self)

    def ring(self) -> None:
        from generation.tasks import run_generation
        from pool.tasks import ring

        ring(run_generation, self.pk, queue=self.queue)

    def queue_again(self) -> bool:
        """Let a failed or cancelled job go on with what it has not made; True unless it is active or done."""
        ended = GenerationJob.objects.filter(pk=self.pk, state__in=[self.State.FAILED, self.State.CANCELLED])
        with transaction.atomic():
            self.outcomes.exclude(outcome=GeneratedImage.Outcome.MADE).filter(job__in=ended).delete()
            again = ended.update(
                state=self.State.QUEUED,
                cancel_requested=False,
                error="",
                message="",
                finished_at=None,
                created_at=Now(),
            )
            if again:
                transaction.on_commit(self.ring)
        return bool(again)

    def again(self, *, seed: int) -> GenerationJob:
        """An unsaved job that asks for the same with another seed."""
        same = (
            "engine",
            "checkpoint",
            "api_model",
            "dataset",
            "modality",
            "label",
            "prompt",
            "settings",
            "total",
        )
        return GenerationJob(**{name: getattr(self, name) for name in same}, seed=seed)


class GeneratedImage(models.Model):
    """What became of one image of a job, also of those that were never made: the full denominator."""

    class Outcome(models.TextChoices):
        MADE = "made"
        DUPLICATE = "duplicate"
        REFUSED = "refused"
        FAILED = "failed"

    job = models.ForeignKey(GenerationJob, on_delete=models.PROTECT, related_name="outcomes")
    index = models.PositiveIntegerField(validators=[MinValueValidator(0)])
    seed = models.PositiveBigIntegerField(null=True)
    prompt = models.TextField(blank=True)
    image = models.OneToOneField(Image, on_delete=models.PROTECT, null=True, related_name="generated")
    outcome = models.CharField(max_length=9, choices=Outcome)
    reason = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["job", "index"]
        constraints = [
            models.UniqueConstraint(fields=["job", "index"], name="generated_image_once_per_index"),
            models.CheckConstraint(
                condition=models.Q(outcome="made", image__isnull=False, reason="")
                | (
                    models.Q(outcome__in=["duplicate", "refused", "failed"], image__isnull=True)
                    & ~models.Q(reason="")
                ),
                name="generated_image_or_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.job_id} #{self.index} {self.outcome}"
