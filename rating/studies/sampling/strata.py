"""What a study shows: how many images of which dataset, and what for."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models

from pool.models import Dataset, Image, ImageQuerySet


class Role(models.TextChoices):
    """What an image is shown for. Practice comes first and counts nowhere; probes are obvious cases."""

    MAIN = "main", "Main"
    PRACTICE = "practice", "Practice"
    PROBE = "probe", "Probe"


class Kind(models.TextChoices):
    """What one showing is for: the image's role, or to see whether a rater answers the same again."""

    MAIN = "main"
    REPEAT = "repeat"
    PRACTICE = "practice"
    PROBE = "probe"


class Stratum(models.Model):
    """How many images of one dataset (and, if given, one label) a study shows, and what for."""

    study = models.ForeignKey("rating.Study", on_delete=models.CASCADE, related_name="strata")
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="+")
    label = models.CharField(max_length=300, blank=True)
    role = models.CharField(max_length=8, choices=Role, default=Role.MAIN)
    count = models.PositiveIntegerField(validators=[MinValueValidator(1)])

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "strata"
        constraints = [
            models.UniqueConstraint(
                fields=["study", "dataset", "label", "role"], name="stratum_once_per_study"
            ),
            models.CheckConstraint(condition=models.Q(count__gte=1), name="stratum_of_one_or_more"),
        ]

    def __str__(self) -> str:
        return f"{self.count} of {self.dataset}"

    def candidates(self) -> models.QuerySet[Image]:
        images = self._eligible().filter(dataset=self.dataset)
        return images.filter(label=self.label) if self.label else images

    def available(self) -> int:
        return self.candidates().count()

    def _eligible(self) -> ImageQuerySet:
        images = Image.objects.usable() if self.study.lets_near_copies_in else Image.objects.shown_freely()
        return images.exclude(pk__in=self.study.left_out.values("image"))

    def held_back_in_words(self) -> str:
        """How many more there would be with near-copies let in; "" where there are none."""
        more = (
            Image.objects.usable().matching(dataset=self.dataset, label=self.label).count() - self.available()
        )
        return f" {more} more are held back as near-copies of real images." if more else ""

    def asked_in_all(self) -> int:
        """How many images all strata of this study want of these candidates: no image is drawn twice."""
        of_this = self.study.strata.filter(dataset=self.dataset)
        same_label = of_this.filter(label=self.label) if self.label else of_this
        return sum(same_label.values_list("count", flat=True))
