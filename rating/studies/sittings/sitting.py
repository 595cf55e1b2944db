"""One reading of a study by one rater: its sessions, and when each may begin."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

from django.db import models, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.functional import cached_property

from audit import record
from rating.studies.enrolment import Enrolment
from rating.studies.questions import Question
from rating.studies.second_questions import SecondQuestion
from rating.studies.sittings.orders import Orders
from rating.studies.sittings.progress import Progress
from rating.studies.study import NotPossibleError, Study, must_say_why

if TYPE_CHECKING:
    from rating.studies.sittings.presentation import Presentation


class SittingQuerySet(models.QuerySet["Sitting"]):
    def standing(self) -> Self:
        """Those that have not been started over."""
        return self.filter(reset_at=None)

    def counted(self) -> Self:
        """Those that count in an analysis: people's, not started over, not withdrawn, and still blinded."""
        return self.valid().filter(enrolment__machine="")

    def of_machines(self) -> Self:
        """Those that would count if they were people's: machines are shown beside, never among them."""
        return self.valid().exclude(enrolment__machine="")

    def valid(self) -> Self:
        """Whoever's: not started over, not withdrawn, and still blinded."""
        return self.standing().filter(unblinded_at=None, enrolment__withdrawn_at=None)

    def of(self, user: Any, study: Study) -> Self:
        """This rater's standing sittings in this study, first session first."""
        return self.standing().filter(enrolment__study=study, enrolment__user=user).order_by("session")

    def open_to(self, user: Any) -> Self:
        """This rater's standing sittings in studies that are open."""
        return self.standing().filter(
            enrolment__user=user, enrolment__withdrawn_at=None, enrolment__study__state=Study.State.OPEN
        )

    def without_practice(self) -> Self:
        """Each with `main_count` and `main_rated_count`, of the presentations that are no practice."""
        main = ~models.Q(presentations__kind="practice")
        return self.annotate(
            main_count=models.F("presentation_count") - models.F("practice_count"),
            main_rated_count=models.Count("presentations__rating", filter=main),
        )

    def current(self, user: Any, study: Study) -> Sitting | None:
        """The sitting to go on with, or the last one when all are read; None without any."""
        return self.of(user, study).at_hand()

    def at_hand(self) -> Sitting | None:
        """Of the sittings of one rater in one study: the first unread one, else the last; None without any."""
        return at_hand_of(list(self.select_related("enrolment__study").order_by("session")))


def at_hand_of(sittings: list[Sitting]) -> Sitting | None:
    """Of all sittings of one rater in one study, first session first: the one to go on with."""
    for before, sitting in pairwise(sittings):
        sitting.washout_began_at = before.finished_at
    unread = [sitting for sitting in sittings if not sitting.is_read]
    return next(iter(unread or sittings[-1:]), None)


class Sitting(Progress):
    """One reading of the study by one rater, in an order of its own."""

    enrolment = models.ForeignKey(Enrolment, on_delete=models.PROTECT, related_name="sittings")
    session = models.PositiveSmallIntegerField(default=1)
    attempt = models.PositiveSmallIntegerField(default=1)
    seed = models.BigIntegerField()
    order_version = models.CharField(max_length=40)
    order_sha256 = models.CharField(max_length=64, blank=True)  # once it stands, no presentation is added
    reset_at = models.DateTimeField(null=True, editable=False)
    unblinded_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    display = models.JSONField(default=dict, db_default={}, editable=False)  # what its display check came to
    # How many of its chained revisions the study's log has the head of.
    entered = models.PositiveIntegerField(default=0, db_default=0, editable=False)

    # Where `without_practice` counted them:
    main_count: int
    main_rated_count: int

    objects = SittingQuerySet.as_manager()

    class Meta:
        ordering = ["enrolment", "session", "attempt"]
        constraints = [
            models.UniqueConstraint(
                fields=["enrolment", "session", "attempt"], name="attempt_once_per_session"
            ),
            models.UniqueConstraint(
                fields=["enrolment", "session"],
                condition=models.Q(reset_at=None),
                name="one_standing_sitting_per_session",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.enrolment} session {self.session}"

    @transaction.atomic
    def reset(self, by: Any, reason: str) -> Sitting:
        """Start this session over in a new order; what was read is kept, marked, and counts no more."""
        must_say_why(reason)
        if self.enrolment.sittings.filter(unblinded_at__isnull=False).exists():
            raise NotPossibleError(
                "Whoever has known the truth cannot start over; withdraw and replace this rater."
            )
        if self.is_blinded_to_purpose and self.enrolment.informed_at:
            raise NotPossibleError(
                f"{self.enrolment} knows the purpose by now; the first phase stands as it was."
            )
        if not Sitting.objects.filter(pk=self.pk, reset_at=None).update(reset_at=Now()):
            raise NotPossibleError("This sitting has been started over already.")
        enrolment = self.enrolment
        record(enrolment.study, by, "reset", reason=reason, rater=enrolment.pseudonym, session=self.session)
        return Orders(enrolment.study).make_sitting(enrolment, self.session, attempt=self.attempt + 1)

    def begins_at(self) -> datetime | None:
        """When this session may begin: the washout after the one before; None while that one is unread."""
        if self.session == 1:
            return self.created_at
        if self.washout_began_at is None:
            return None
        return self.washout_began_at + timedelta(days=self.enrolment.study.washout_days)

    @cached_property
    def washout_began_at(self) -> datetime | None:
        """When the session before this one was read to its end; None while it is unread. Queries may bring it along."""
        before = Sitting.objects.standing().filter(enrolment=self.enrolment_id, session=self.session - 1)
        last = before.first()
        return None if last is None else last.finished_at

    def may_begin(self) -> bool:
        """The first session at once, though this machine's clock may be behind the database's, which stamped it."""
        begins_at = self.begins_at()
        return self.session == 1 or (begins_at is not None and begins_at <= timezone.now())

    def may_be_read(self) -> bool:
        """Its images are for a rater who has agreed to take part, after the washout and a display check that is required."""
        return (
            self.enrolment.has_consented(self.session) and self.may_begin() and not self.awaits_display_check
        )

    @property
    def awaits_display_check(self) -> bool:
        """Whether no image is shown before the check is made. Made, not passed: what was seen is reported."""
        is_required = self.enrolment.study.display_check == Study.DisplayCheck.REQUIRED
        return is_required and not self.display and not self.is_read

    @property
    def is_blinded_to_purpose(self) -> bool:
        return self.enrolment.study.is_blinded_to_purpose(self.session)

    @property
    def question(self) -> Question:
        return self.enrolment.study.question(self.session)

    @property
    def second_questions(self) -> list[SecondQuestion]:
        return self.enrolment.study.second_questions_of(self.session)

    def next_presentation(self) -> Presentation | None:
        """The first image not rated yet, or None when all are."""
        if self.next_position is None:
            return None
        at_frontier = self.presentations.filter(position=self.next_position)
        return at_frontier.select_related("study_image__image", "draft").first()
