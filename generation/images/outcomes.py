"""What became of each image of a job, and what a person said when looking at it."""

from __future__ import annotations

from collections import Counter
from typing import Any, Self

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models, transaction
from django.db.models.functions import Now

from generation.images.models import GenerationJob, Outcome
from pool.models import Image


class GeneratedImageQuerySet(models.QuerySet["GeneratedImage"]):
    def with_image(self) -> Self:
        """Those with an image, each with it, in the order of their index."""
        return self.filter(outcome="made").select_related("image").order_by("job_id", "index")

    def unreviewed(self) -> Self:
        return self.with_image().filter(reviewed_at=None)

    def set_aside(self) -> Counter[tuple[str, str]]:
        """Make these images' places free for another try, and keep what became of them; how many of which and why."""
        earlier = [
            EarlierOutcome(
                job_id=row.job_id,
                index=row.index,
                outcome=row.outcome,
                reason=row.reason,
                created_at=row.created_at,
            )
            for row in self.select_for_update(of=("self",))
        ]
        EarlierOutcome.objects.bulk_create(earlier, batch_size=2000)
        self.delete()
        return Counter((row.outcome, row.reason) for row in earlier)


class GeneratedImage(models.Model):
    """What became of one image of a job, also of those that were never made: with `EarlierOutcome`, the full denominator."""

    Outcome = Outcome

    job = models.ForeignKey(GenerationJob, on_delete=models.PROTECT, related_name="outcomes")
    index = models.PositiveIntegerField(validators=[MinValueValidator(0)])
    seed = models.PositiveBigIntegerField(null=True)
    prompt = models.TextField(blank=True)
    image = models.OneToOneField(Image, on_delete=models.PROTECT, null=True, related_name="generated")
    outcome = models.CharField(max_length=9, choices=Outcome)
    reason = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )
    reviewed_at = models.DateTimeField(null=True, editable=False)

    objects = GeneratedImageQuerySet.as_manager()

    class Meta:
        ordering = ["job", "index"]
        constraints = [
            models.UniqueConstraint(fields=["job", "index"], name="generated_image_once_per_index"),
            models.CheckConstraint(
                condition=models.Q(outcome="made", image__isnull=False, reason="")
                | (
                    models.Q(outcome__in=["duplicate", "filtered", "refused", "failed"], image__isnull=True)
                    & ~models.Q(reason="")
                ),
                name="generated_image_or_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.job_id} #{self.index} {self.outcome}"

    def review(self, *, by: Any, leave_out_for: str = "") -> None:
        """Keep the image, or leave it out with a reason; it is never deleted, and the log says who."""
        image = self.image
        if image is None:
            return
        with transaction.atomic():
            if leave_out_for:
                image.exclude(leave_out_for, by=by)
                self.job.log(f"Image {self.index} was left out: {leave_out_for}.", by=by)
            elif image.excluded_reason:
                self.job.log(f"Image {self.index} was taken back in ({image.excluded_reason}).", by=by)
                image.include(by=by)
            self.reviewed_by_id, self.reviewed_at = by.pk, Now()
            self.save(update_fields=["reviewed_by", "reviewed_at"])


class EarlierOutcome(models.Model):
    """How a try ended that was not the last of its image: counted for ever, as every request is."""

    job = models.ForeignKey(GenerationJob, on_delete=models.PROTECT, related_name="earlier_outcomes")
    index = models.PositiveIntegerField()
    outcome = models.CharField(max_length=9, choices=Outcome)
    reason = models.CharField(max_length=300)
    created_at = models.DateTimeField(editable=False)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(outcome__in=["filtered", "refused", "failed"]) & ~models.Q(reason=""),
                name="earlier_outcome_made_nothing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.job_id} #{self.index} {self.outcome}, tried again"


class KeyPace(models.Model):
    """When the next request with an API key may be sent; the key is named by a keyed hash, never by itself."""

    key = models.CharField(max_length=64, primary_key=True)
    next_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.key[:8]
