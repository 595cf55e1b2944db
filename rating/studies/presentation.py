"""One showing of one image, or of one set, to one rater."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Self

from django.db import models
from django.db.models.functions import Now

from rating.studies.images import LETTERS, StudyImage
from rating.studies.randomness import random_token
from rating.studies.sitting import Sitting
from rating.studies.strata import Kind
from rating.studies.study import Study


class PresentationQuerySet(models.QuerySet["Presentation"]):
    def of(self, user: Any) -> Self:
        """This rater's own presentations in studies that are open."""
        return self.filter(
            sitting__enrolment__user=user,
            sitting__enrolment__withdrawn_at=None,
            sitting__enrolment__study__state=Study.State.OPEN,
            sitting__reset_at=None,
        )

    def reachable(self) -> Self:
        """What has been reached: all rated ones and the next few, never the whole study at once."""
        next_position = (
            Presentation.objects.filter(sitting=models.OuterRef("sitting"), rating=None)
            .order_by("position")
            .values("position")[:1]
        )
        return self.annotate(next_position=models.Subquery(next_position)).filter(
            models.Q(next_position=None)
            | models.Q(
                position__lt=models.F("next_position") + models.F("sitting__enrolment__study__hold_ahead")
            )
        )

    def practice(self) -> Self:
        """Those with feedback, which count nowhere."""
        return self.filter(kind=Presentation.Kind.PRACTICE)

    def to_rate(self) -> Self:
        """Those without a rating, in the order they are shown."""
        return self.filter(rating=None).order_by("position")


class Presentation(models.Model):
    """One showing of one image to one rater."""

    Kind = Kind

    sitting = models.ForeignKey(Sitting, on_delete=models.PROTECT, related_name="presentations")
    position = models.PositiveIntegerField()
    study_image = models.ForeignKey(StudyImage, on_delete=models.PROTECT, related_name="presentations")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.MAIN)
    # Of a set: the letters of its images in the order shown, as “ba”; the rest of the world sees places only.
    places = models.CharField(max_length=4, blank=True, default="", db_default="", editable=False)
    token = models.CharField(max_length=32, unique=True, default=random_token, editable=False)
    first_shown_at = models.DateTimeField(null=True, editable=False)

    objects = PresentationQuerySet.as_manager()

    class Meta:
        ordering = ["sitting", "position"]
        constraints = [
            models.UniqueConstraint(fields=["sitting", "position"], name="position_once_per_sitting"),
        ]

    def __str__(self) -> str:
        return f"{self.sitting} position {self.position}"

    def mark_shown(self, *, ago: timedelta = timedelta()) -> None:
        """Stamp the first showing by the database's clock; later showings change nothing.

        `ago` is how long before now it was, as the browser's steady clock counted it while offline.
        """
        Presentation.objects.filter(pk=self.pk, first_shown_at=None).update(first_shown_at=Now() - ago)

    def image_at(self, place: int | None) -> StudyImage | None:
        """The image at this place, 1 first, of a set; of an image alone, which has no place, itself."""
        if not self.places:
            return self.study_image if place is None else None
        if place is None or not 1 <= place <= len(self.places):
            return None
        return self.study_image.members[LETTERS.index(self.places[place - 1])]

    @property
    def is_practice(self) -> bool:
        return self.kind == self.Kind.PRACTICE

    def may_be_corrected(self) -> bool:
        """Whether the study's rule allows another answer where there is one; none of a phase that is over."""
        if self.sitting.is_blinded_to_purpose and self.sitting.enrolment.informed_at:
            return False
        rule = self.sitting.enrolment.study.going_back
        if rule == Study.GoingBack.LAST:
            rated_after = self.sitting.presentations.filter(position__gt=self.position)
            return not rated_after.exclude(rating=None).exists()
        return rule == Study.GoingBack.ANY
