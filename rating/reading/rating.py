"""What a rater said of an image, with every earlier word kept."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import TypedDict, Unpack

from django.db import IntegrityError, models, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext
from psycopg.errors import RestrictViolation

from accounts.prepared_query import PreparedInsert
from rating.studies.second_questions import SecondAnswer
from rating.studies.sittings.presentation import Presentation


class Label(models.TextChoices):
    REAL = "real", "Real"
    FAKE = "fake", "Fake"
    UNSURE = "unsure", "Unsure"
    # Of a session whose purpose is not told:
    USUAL = "usual", "Usual"
    UNUSUAL = "unusual", "Unusual"
    # Of a forced choice, the place of the image chosen, in reading order:
    FIRST = "1", "1"
    SECOND = "2", "2"
    THIRD = "3", "3"
    FOURTH = "4", "4"
    # Of an arena, where neither looks more real:
    TIE = "tie", "Both alike"


class AnswerFields(TypedDict, total=False):
    """What a rater says of an image and how it came to be; what is left out has its default."""

    label: str
    remark: str
    confidence: int | None
    reasons: list[str]
    active_ms: int | None
    idle_ms: int | None
    view_state: dict[str, object]
    second_answers: dict[str, SecondAnswer]
    second_texts: dict[str, str]


ANSWER = tuple(AnswerFields.__annotations__)


class Answer(models.Model):
    """The fields a rating and each of its revisions share."""

    label = models.CharField(max_length=7, choices=Label)
    remark = models.TextField(blank=True, max_length=4000)
    confidence = models.PositiveSmallIntegerField(null=True, blank=True)
    reasons = models.JSONField(default=list, blank=True)
    active_ms = models.PositiveBigIntegerField(null=True, blank=True)
    idle_ms = models.PositiveBigIntegerField(null=True, blank=True)
    view_state = models.JSONField(default=dict, blank=True)
    # To second questions, by their code: one answer each, as an object has a key once. Free text apart: it may be redacted.
    second_answers = models.JSONField(default=dict, db_default={}, blank=True)
    second_texts = models.JSONField(default=dict, db_default={}, blank=True)

    class Meta:
        abstract = True

    def answer(self) -> AnswerFields:
        return {
            "label": self.label,
            "remark": self.remark,
            "confidence": self.confidence,
            "reasons": self.reasons,
            "active_ms": self.active_ms,
            "idle_ms": self.idle_ms,
            "view_state": self.view_state,
            "second_answers": self.second_answers,
            "second_texts": self.second_texts,
        }


class Rating(Answer):
    """The word that stands for one presentation; `revisions` holds how it came to be."""

    presentation = models.OneToOneField(Presentation, on_delete=models.PROTECT, related_name="rating")
    revision = models.PositiveIntegerField(default=1)
    rated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(label__in=Label.values), name="rating_label_known"),
            models.CheckConstraint(
                condition=models.Q(confidence=None) | models.Q(confidence__range=(1, 5)),
                name="rating_confidence_1_to_5",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} at {self.presentation_id}"

    @property
    def client_key(self) -> uuid.UUID:
        """The key of the save that stands; whoever corrects it must name it."""
        return self.revisions.get(number=self.revision).client_key

    @staticmethod
    @transaction.atomic
    def record(
        presentation: Presentation,
        client_key: uuid.UUID,
        *,
        replaces: uuid.UUID | None = None,
        reason: str = "",
        shown: Mapping[int, timedelta] | None = None,
        **answer: Unpack[AnswerFields],
    ) -> Rating:
        """Keep this answer as the standing one. The same client key, sent again, changes nothing.

        With it, which presentations were first shown how long ago. A correction names the save it replaces, and its
        reason where the study asks for one. Raises AlreadyRatedError when another one stands, as after a save in a second
        tab, or when the study does not allow this correction; StudyOverError once the study takes no rating, or this
        rater's are removed.
        """
        # Before the rating, which locks the sitting: so two saves at once wait for each other in one order.
        if shown:
            Presentation.objects.mark_shown(shown)
        rating = Rating._recorded(presentation, client_key, replaces, reason, answer)
        rating.presentation = presentation
        return rating

    @staticmethod
    def _recorded(
        presentation: Presentation,
        client_key: uuid.UUID,
        replaces: uuid.UUID | None,
        reason: str,
        answer: AnswerFields,
    ) -> Rating:
        rating: Rating | None = getattr(presentation, "rating", None)
        if rating is None:
            rating = Rating(presentation_id=presentation.pk, **answer)
            if FIRST_RATINGS.add(rating):
                return rating._add_revision(client_key)
            # Another tab was quicker, or the same save is here twice: the database lets one of them in.
            rating = Rating.objects.filter(presentation=presentation.pk).first()
            if rating is None:
                raise StudyOverError("the rating was removed")
        return rating._correct(client_key, replaces, reason, answer)

    def _correct(
        self, client_key: uuid.UUID, replaces: uuid.UUID | None, reason: str, answer: AnswerFields
    ) -> Rating:
        revision = RatingRevision.objects.locked(self.pk, client_key)
        rating = revision.rating
        if revision.client_key == client_key:
            return rating
        if revision.client_key != replaces or not rating.presentation.may_be_corrected():
            raise AlreadyRatedError(rating)
        rating.revision += 1
        for field, value in answer.items():
            setattr(rating, field, value)
        rating.save()
        return rating._add_revision(client_key, reason)

    def _add_revision(self, client_key: uuid.UUID, reason: str = "") -> Rating:
        try:
            REVISIONS.add(
                RatingRevision(
                    rating=self, number=self.revision, client_key=client_key, reason=reason, **self.answer()
                )
            )
        except IntegrityError as error:
            if isinstance(error.__cause__, RestrictViolation):
                raise StudyOverError(str(error)) from error
            raise
        return self


class AlreadyRatedError(Exception):
    """The presentation has a rating that this save must not replace."""

    def __init__(self, rating: Rating) -> None:
        super().__init__(gettext(rating.get_label_display()))
        self.rating = rating


class StudyOverError(IntegrityError):
    """The study was closed, or its rater's answers were removed, while the save was under way."""


class RatingRevisionQuerySet(models.QuerySet["RatingRevision"]):
    def locked(self, rating: int, client_key: uuid.UUID) -> RatingRevision:
        """The revision of this rating that this key has saved, else the one that stands; the rating is locked.

        Raises StudyOverError where a withdrawal has removed them by now.
        """
        either = models.Q(client_key=client_key) | models.Q(number=models.F("rating__revision"))
        revisions = (
            self.filter(either, rating=rating)
            .select_related("rating__presentation__sitting__enrolment__study")
            .select_for_update(of=("rating",))
            .order_by()
        )
        # Where another save held the lock, the first look may be older than what that one has added.
        rows = list(revisions) or list(revisions.all())
        if not rows:
            raise StudyOverError("the rating was removed")
        return next((row for row in rows if row.client_key == client_key), rows[0])


class RatingRevision(Answer):
    """One saved answer; the database chains it to the one before of its sitting, and lets nobody change or delete it."""

    rating = models.ForeignKey(Rating, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField()
    client_key = models.UUIDField(unique=True)
    saved_at = models.DateTimeField(db_default=Now())
    reason = models.TextField(blank=True, max_length=400)  # of a correction, where the study asks for it
    # The rest is the database's to fill. One person writes in a sitting, so no save waits for another's.
    sitting = models.ForeignKey(
        "rating.Sitting", on_delete=models.PROTECT, null=True, editable=False, related_name="revisions"
    )
    chain_number = models.PositiveIntegerField(null=True, editable=False)
    remark_nonce = models.CharField(max_length=32, blank=True, editable=False)
    remark_sha256 = models.CharField(max_length=64, blank=True, editable=False)
    reason_nonce = models.CharField(max_length=32, blank=True, editable=False)
    reason_sha256 = models.CharField(max_length=64, blank=True, editable=False)
    second_texts_nonce = models.CharField(
        max_length=32, blank=True, default="", db_default="", editable=False
    )
    second_texts_sha256 = models.CharField(
        max_length=64, blank=True, default="", db_default="", editable=False
    )
    sha256 = models.CharField(max_length=64, blank=True, editable=False)

    objects = RatingRevisionQuerySet.as_manager()

    class Meta:
        ordering = ["rating", "number"]
        constraints = [
            models.UniqueConstraint(fields=["rating", "number"], name="revision_once_per_rating"),
            models.UniqueConstraint(fields=["sitting", "chain_number"], name="revision_once_per_chain"),
        ]

    def __str__(self) -> str:
        return f"{self.rating} revision {self.number}"


FIRST_RATINGS = PreparedInsert(lambda: Rating, unless_there=True)
REVISIONS = PreparedInsert(lambda: RatingRevision)
