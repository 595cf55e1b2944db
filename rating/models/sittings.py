"""Who reads a study, and the order in which they see it."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from rating.asked import Asked
from rating.models.audit import AuditEvent
from rating.models.studies import NotPossible, Study, StudyImage

LETTERS = "abcd"  # of the images of a set, by code
# Of an image nobody has timed yet.
USUAL_PACE_MS = 20_000


def pseudonym(number: int, *, is_machine: bool = False) -> str:
    """How everybody else knows a rater: R for a person, M for a machine."""
    return f"{'M' if is_machine else 'R'}{number:02}"


class EnrolmentQuerySet(models.QuerySet["Enrolment"]):
    def people(self) -> Self:
        return self.filter(machine="")

    def machines(self) -> Self:
        return self.exclude(machine="")

    def of(self, user: Any) -> Self:
        """This rater's enrolments in studies that are, or have been, open."""
        states = [Study.State.OPEN, Study.State.CLOSED, Study.State.UNBLINDED]
        return self.filter(user=user, withdrawn_at=None, study__state__in=states).select_related("study")

    def without_orders(self) -> list[Enrolment]:
        """Those still to get their sittings, by number."""
        return list(self.filter(sittings=None).order_by("number"))

    def with_progress(self) -> Self:
        """Each with `presentation_count`, `rated_count`, `left`, `last_rated_at` and `pace_ms`."""
        standing = models.Q(sittings__reset_at=None)
        presentations = models.Count("sittings__presentations", filter=standing)
        rated = models.Count("sittings__presentations__rating", filter=standing)
        return self.annotate(
            presentation_count=presentations,
            rated_count=rated,
            left=presentations - rated,
            last_rated_at=models.Max("sittings__presentations__rating__rated_at"),
            pace_ms=models.Avg("sittings__presentations__rating__active_ms"),
        )


class Enrolment(models.Model):
    """One rater in one study, known to everybody else by pseudonym; a machine is one too, marked as such for good."""

    class AIKnowledge(models.TextChoices):
        NONE = "none", _("None")
        HEARD = "heard", _("I have read about it")
        USED = "used", _("I have used it")
        WORKS = "works", _("I work with it")

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="enrolments")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="enrolments")
    number = models.PositiveIntegerField()
    slot = models.PositiveIntegerField(
        default=1, editable=False
    )  # which block; a replacement has its predecessor's
    replaces = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, editable=False, related_name="replaced_by"
    )
    machine = models.CharField(max_length=200, blank=True, editable=False)  # its name; a person has none
    withdrawn_at = models.DateTimeField(null=True, blank=True, editable=False)
    consented_at = models.DateTimeField(null=True, editable=False)
    consent_version = models.CharField(max_length=16, blank=True, editable=False)
    informed_at = models.DateTimeField(null=True, editable=False)  # of the purpose, after a first phase
    years = models.PositiveSmallIntegerField("years of reading images", null=True, blank=True)
    subspecialty = models.CharField(max_length=100, blank=True)
    ai_knowledge = models.CharField(max_length=7, choices=AIKnowledge, blank=True)
    display = models.JSONField(default=dict, blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    # Where `with_progress` counted them:
    presentation_count: int
    rated_count: int

    left: int  # where `with_progress` counted
    pace_ms: float | None

    objects = EnrolmentQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["study", "user"], name="rater_once_per_study"),
            models.UniqueConstraint(fields=["study", "number"], name="pseudonym_once_per_study"),
        ]

    def __str__(self) -> str:
        return self.pseudonym

    @property
    def pseudonym(self) -> str:
        return pseudonym(self.number, is_machine=bool(self.machine))

    def has_consented(self, session: int) -> bool:
        """To the study's words before this session as they are now; whoever was informed had agreed before."""
        if self.consented_at is None:
            return False
        told_more = self.informed_at is not None and self.study.is_blinded_to_purpose(session)
        return told_more or self.consent_version == self.study.consent_version(session)

    @property
    def session_told_of(self) -> int:
        """The session whose words this rater may read: the first until told the purpose."""
        return 1 if self.informed_at is None else self.study.first_informed_session

    @property
    def instructions(self) -> str:
        return self.study.told_before(self.session_told_of)[0]

    @property
    def minutes_left(self) -> int:
        """How long the rest may take, at this rater's own pace once there is one. Needs `with_progress`."""
        return ceil(self.left * (self.pace_ms or USUAL_PACE_MS) / 60_000)

    def consent(self, session: int = 1, **profile: Any) -> None:
        """Keep that this rater has read and agreed, to which words, and who they say they are."""
        for field, value in profile.items():
            setattr(self, field, value)
        self.consented_at = timezone.now()
        self.consent_version = self.study.consent_version(session)
        if self.study.has_two_phases and not self.study.is_blinded_to_purpose(session):
            self.informed_at = self.informed_at or self.consented_at
        self.save(update_fields=["consented_at", "consent_version", "informed_at", *profile])

    @classmethod
    @transaction.atomic
    def enrol(
        cls,
        study: Study,
        user: Any,
        *,
        by: Any = None,
        replaces: Enrolment | None = None,
        machine: str = "",
    ) -> Enrolment:
        """Enrol a rater (again is harmless) and give them their orders if the study has them.

        machine: what rates in the name of this user, whom nobody can sign in as.
        """
        from rating.models.orders import Orders  # orders are made of sittings

        study = Study.objects.select_for_update().get(pk=study.pk)
        if existing := cls.objects.filter(study=study, user=user).first():
            return existing
        if study.is_over:
            raise NotPossible("The study is closed: nobody can be enrolled any more.")
        if study.is_simulated and user.is_active:
            raise NotPossible("This study is a rehearsal by simulated raters; people cannot join it.")
        if machine and user.is_active:
            raise NotPossible("A machine rates under a name of its own, never under a person's.")
        may_rate = user.has_perm("rating.rate") and not user.has_perm("pool.view_image")
        if not may_rate and not study.is_simulated and not machine:
            raise NotPossible(f"{user} can see which images are generated, so cannot rate.")
        number = (cls.objects.filter(study=study).aggregate(last=models.Max("number"))["last"] or 0) + 1
        machines = cls.objects.filter(study=study).exclude(machine="").count()
        place = machines + 1 if machine else number - machines  # machines take no block from people
        slot = replaces.slot if replaces else place
        enrolment = cls.objects.create(
            study=study, user=user, number=number, slot=slot, replaces=replaces, machine=machine
        )
        said = {"machine": machine} if machine else {}
        AuditEvent.record(study, by, "enrolled", rater=enrolment.pseudonym, **said)
        if not study.is_draft:
            Orders(study).make_sittings(enrolment)
        return enrolment

    @transaction.atomic
    def withdraw(self, by: Any, reason: str) -> None:
        """End this rater's part: what they rated is kept, but counts no more."""
        _must_say_why(reason)
        if not Enrolment.objects.filter(pk=self.pk, withdrawn_at=None).update(withdrawn_at=timezone.now()):
            raise NotPossible(f"{self} has withdrawn already.")
        self.refresh_from_db(fields=["withdrawn_at"])
        AuditEvent.record(self.study, by, "withdrew", reason=reason, rater=self.pseudonym)

    @transaction.atomic
    def mark_unblinded(self, by: Any, reason: str) -> None:
        """Keep that this rater knew the truth: every sitting stays, and all are left out."""
        _must_say_why(reason)
        if self.study.is_unblinded:
            raise NotPossible("The study is unblinded: everybody knows the truth now.")
        self.sittings.filter(unblinded_at=None).update(unblinded_at=timezone.now())
        AuditEvent.record(self.study, by, "marked unblinded", reason=reason, rater=self.pseudonym)


def _must_say_why(reason: str) -> None:
    if not reason.strip():
        raise NotPossible("Say why; the reason is kept in the study's log.")


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

    def with_progress(self) -> Self:
        """Each with `presentation_count`, `rated_count` and `ended_at`, when its last rating was saved."""
        return self.annotate(
            presentation_count=models.Count("presentations"),
            rated_count=models.Count("presentations__rating"),
            ended_at=models.Max("presentations__rating__rated_at"),
        )

    def current(self, user: Any, study: Study) -> Sitting | None:
        """The sitting to go on with, or the last one when all are read; None without any."""
        of_this_rater = self.of(user, study).select_related("enrolment__study", "enrolment__user")
        sittings = list(of_this_rater.with_progress())
        unread = [sitting for sitting in sittings if sitting.rated_count < sitting.presentation_count]
        return next(iter(unread or sittings[-1:]), None)


class Sitting(models.Model):
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

    # Where `with_progress` counted them:
    presentation_count: int
    rated_count: int
    ended_at: datetime | None

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
        from rating.models.orders import Orders  # orders are made of sittings

        _must_say_why(reason)
        if self.enrolment.sittings.filter(unblinded_at__isnull=False).exists():
            raise NotPossible(
                "Whoever has known the truth cannot start over; withdraw and replace this rater."
            )
        if not Sitting.objects.filter(pk=self.pk, reset_at=None).update(reset_at=Now()):
            raise NotPossible("This sitting has been started over already.")
        enrolment = self.enrolment
        AuditEvent.record(
            enrolment.study, by, "reset", reason=reason, rater=enrolment.pseudonym, session=self.session
        )
        return Orders(enrolment.study).make_sitting(enrolment, self.session, attempt=self.attempt + 1)

    def begins_at(self) -> datetime | None:
        """When this session may begin: the washout after the one before; None while that one is unread."""
        if self.session == 1:
            return self.created_at
        study = self.enrolment.study
        before = Sitting.objects.of(self.enrolment.user, study).filter(session=self.session - 1)
        last = before.with_progress().first()
        if last is None or last.rated_count < last.presentation_count:
            return None
        return (last.ended_at or last.created_at) + timedelta(days=study.washout_days)

    def may_begin(self) -> bool:
        begins_at = self.begins_at()
        return begins_at is not None and begins_at <= timezone.now()

    def may_be_read(self) -> bool:
        """Its images are for a rater who has agreed to take part, after the washout."""
        return self.enrolment.has_consented(self.session) and self.may_begin()

    @property
    def is_blinded_to_purpose(self) -> bool:
        return self.enrolment.study.is_blinded_to_purpose(self.session)

    @property
    def asked(self) -> Asked:
        return self.enrolment.study.asked(self.session)

    def next_presentation(self) -> Presentation | None:
        """The first image not rated yet, or None when all are."""
        return self.presentations.to_rate().first()


def random_token() -> str:
    return secrets.token_urlsafe(24)


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

    class Kind(models.TextChoices):
        MAIN = "main"
        REPEAT = "repeat"
        PRACTICE = "practice"
        PROBE = "probe"

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

    def picture_at(self, place: int | None) -> StudyImage | None:
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
