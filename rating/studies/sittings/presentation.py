"""One showing of one image, or of one set, to one rater."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Self

from django.db import connection, models
from django.db.models.fields.files import FieldFile
from django.db.models.functions import Coalesce

from accounts.prepared_query import Parameter
from pool.storage.slices import middle_of
from rating.studies.images import LETTERS, StudyImage, StudySlice
from rating.studies.randomness import random_token
from rating.studies.sampling.strata import Kind
from rating.studies.sittings.sitting import Sitting
from rating.studies.study import Study

# The first position of its sitting that a rater's browser may not hold yet.
END_OF_REACH = models.F("sitting__next_position") + models.F("sitting__enrolment__study__hold_ahead")

STAMP_SHOWN = """
    UPDATE rating_presentation SET first_shown_at = statement_timestamp() - shown.ago
    FROM unnest(%s::bigint[], %s::interval[]) AS shown (presentation, ago)
    WHERE rating_presentation.id = shown.presentation AND first_shown_at IS NULL
"""


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
        return self.filter(models.Q(sitting__next_position=None) | models.Q(position__lt=END_OF_REACH))

    def ahead(self) -> Self:
        """The next few of a sitting, in the order they are shown: reached and without a rating.

        Takes `sitting`, its `next_position` as it was, `held`, how many its browser may hold, and `end`, twice as far on.
        """
        sitting, next_position, held, end = (
            Parameter(name, models.IntegerField()) for name in ("sitting", "next_position", "held", "end")
        )
        # As numbers, by which the planner sees how short the range is: a save moves the frontier on within its reach.
        near = self.filter(sitting=sitting, position__gte=next_position, position__lt=end)
        frontier = Sitting.objects.order_by().filter(pk=sitting).values("next_position")
        # A scalar, which no plan turns into a join with all ratings there are.
        rating = Presentation.objects.order_by().filter(pk=models.OuterRef("pk")).values("rating")
        return (
            near.annotate(its_rating=models.Subquery(rating))
            .filter(its_rating=None, position__lt=models.Subquery(frontier) + held)
            .order_by("position")
        )

    def with_sitting(self) -> Self:
        """Each with what `may_be_read` and `may_be_corrected` look at."""
        sittings = Sitting.objects.order_by().standing()
        before = sittings.filter(
            enrolment=models.OuterRef("sitting__enrolment"),
            session=models.OuterRef("sitting__session") - 1,
            next_position=None,
        )
        began_at = before.values(began_at=Coalesce("ended_at", "created_at"))
        return self.select_related("sitting__enrolment__study").annotate(
            washout_began_at=models.Subquery(began_at)
        )

    def with_slice(self, number: int | Parameter) -> Self:
        """Each with the file of this slice, where it shows a stack that has it beside its middle one."""
        slices = StudySlice.objects.order_by().filter(
            study_image=models.OuterRef("study_image"), number=number
        )
        return self.annotate(slice_name=models.Subquery(slices.values("derivative")))

    def mark_shown(self, ago: Mapping[int, timedelta]) -> None:
        """Stamp first showings by the database's clock, by primary key so long before now; later ones change nothing.

        How long before, a browser's steady clock has counted while it was offline.
        """
        # In one order, so that of two saves at once none waits for the other and is waited for.
        keys = sorted(ago)
        with connection.cursor() as cursor:
            cursor.execute(STAMP_SHOWN, [keys, [ago[key] for key in keys]])

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

    washout_began_at: datetime | None  # where `with_sitting` brought it along
    slice_name: str | None  # where `with_slice` did

    objects = PresentationQuerySet.as_manager()

    class Meta:
        ordering = ["sitting", "position"]
        constraints = [
            models.UniqueConstraint(fields=["sitting", "position"], name="position_once_per_sitting"),
        ]

    def __str__(self) -> str:
        return f"{self.sitting} position {self.position}"

    def mark_shown(self) -> None:
        """Stamp that it is shown now; of a later showing nothing."""
        Presentation.objects.mark_shown({self.pk: timedelta()})

    def may_be_read(self) -> bool:
        """Whether it is for its rater now. Needs `with_sitting`."""
        self.sitting.washout_began_at = self.washout_began_at
        return self.sitting.may_be_read()

    def file_at(self, place: int | None) -> FieldFile | None:
        """The derivative at this place, 1 first, of a set or a stack; without a place the image's own. Needs `with_slice`."""
        slices = self.sitting.enrolment.study.slices
        if self.places or place is None or slices < 2:
            image = self.image_at(place)
            return image.derivative if image else None
        if place == middle_of(slices):
            return self.study_image.derivative
        return StudySlice(derivative=self.slice_name).derivative if self.slice_name else None

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
            return self.position >= self.sitting.furthest_position
        return rule == Study.GoingBack.ANY
