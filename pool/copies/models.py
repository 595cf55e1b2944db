"""Near-copies of real images, as rows that hold generated images back."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class NearCopy(models.Model):
    """A generated image that a quality report found to repeat a real one; no study shows it by chance.

    Whoever judges the pool reads this table and need not know who wrote it.
    """

    image = models.ForeignKey("pool.Image", on_delete=models.CASCADE, related_name="near_copies")
    of = models.ForeignKey("pool.Image", on_delete=models.CASCADE, related_name="copied_by")
    similarity = models.FloatField(help_text="The highest correlation of fine structure, -1 to 1.")
    threshold = models.FloatField(
        help_text="From where on it counts as a copy, by that report's calibration."
    )
    found_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-similarity"]
        verbose_name_plural = "near copies"
        constraints = [
            models.UniqueConstraint(fields=["image", "of"], name="near_copy_once_per_pair"),
            models.CheckConstraint(condition=~models.Q(image=models.F("of")), name="near_copy_of_another"),
        ]

    def __str__(self) -> str:
        return f"{self.image_id} repeats {self.of_id}"
