"""Images that a study leaves out although its strata would take them: what an audit flagged before it was frozen again."""

from __future__ import annotations

from django.db import models

from pool.models import Image


class LeftOutImage(models.Model):
    study = models.ForeignKey("rating.Study", on_delete=models.CASCADE, related_name="left_out")
    image = models.ForeignKey(Image, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["study", "image"], name="left_out_once_per_study")]

    def __str__(self) -> str:
        return f"{self.image_id} left out of {self.study}"
