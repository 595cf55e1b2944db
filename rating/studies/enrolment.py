"""Who reads a study: people, and machines marked as such."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from math import ceil
from typing import Any, Self

from django.apps import apps
from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Cast, Now, NullIf
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit import record
from audit.actors import rater
from audit.models import Event
from rating.studies.sittings.orders import Orders
from rating.studies.study import NotPossibleError, Study, must_say_why

SCORE_SEEN = (
    "looked at own score"  # as a study's log names that a rater has read the truth of what they rated
)
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

    def unconfirmed(self) -> Self:
        """Who read under an address that nothing has confirmed, so that nobody knows who it was; the made-up ones aside."""
        readers = self.people().filter(sittings__rated_count__gt=0).distinct()
        unconfirmed = readers.filter(user__address_confirmed_at=None, user__is_demo=False)
        return unconfirmed.filter(study__is_simulated=False).order_by("number")

    def of(self, user: Any) -> Self:
        """This rater's enrolments in studies that are, or have been, open."""
        return self.ever_of(user).filter(withdrawn_at=None)

    def ever_of(self, user: Any) -> Self:
        """As `of`, and those this rater has withdrawn from."""
        states = [Study.State.OPEN, Study.State.CLOSED, Study.State.UNBLINDED]
        return self.filter(user=user, study__state__in=states).select_related("study")

    def withdrawn_by(self, user: Any) -> Self:
        """This rater's enrolments that have ended early and to which they had agreed."""
        own = self.filter(user=user, withdrawn_at__isnull=False, consented_at__isnull=False)
        return own.select_related("study")

    def without_orders(self) -> list[Enrolment]:
        """Those still to get their sittings, by number."""
        return list(self.filter(sittings=None).order_by("number"))

    def with_progress(self) -> Self:
        """Each with `presentation_count`, `rated_count`, `unrated_count`, `last_rated_at` and `pace_ms`."""
        standing = models.Q(sittings__reset_at=None)
        presentations = models.Sum("sittings__presentation_count", filter=standing, default=0)
        rated = models.Sum("sittings__rated_count", filter=standing, default=0)
        timed = NullIf(models.Sum("sittings__timed_count"), 0)
        return self.annotate(
            presentation_count=presentations,
            rated_count=rated,
            unrated_count=presentations - rated,
            last_rated_at=models.Max("sittings__ended_at"),
            pace_ms=Cast(models.Sum("sittings__timed_ms"), models.FloatField()) / timed,
        )

    def purpose_conflicts(self, study: Study, users: Sequence[Any]) -> list[str]:
        """Who learns from one study what the first phase of another must not tell, in sentences."""
        sentences: dict[Any, str] = {}
        own = Enrolment.objects.filter(study=study) if study.pseudonyms_only else ()
        codes = {each.user_id: each.pseudonym for each in own}
        elsewhere = Enrolment.objects.filter(user__in=users).exclude(study=study)
        for other in elsewhere.select_related("study", "user"):
            unaware = other.study.has_two_phases and other.informed_at is None
            who, where = (
                study.name_of_rater(other.user, codes.get(other.user_id)),
                other.study.named_for(study),
            )
            if study.has_two_phases and not unaware:
                sentences.setdefault(
                    other.user_id,
                    f"{who} is a rater of {where}, which tells that images may be generated; "
                    "the first session here must not: invite somebody else.",
                )
            if (
                not study.has_two_phases
                and unaware
                and other.withdrawn_at is None
                and not other.study.is_over
            ):
                sentences.setdefault(
                    other.user_id,
                    f"{who} has not ended the first session of {where}, which must not tell that images may "
                    "be generated, as this study does: invite them after it.",
                )
        return list(sentences.values())

    def taught_elsewhere(self, study: Study, users: Sequence[Any]) -> dict[Any, str]:
        """By key of a person: in which other study, in words, they have read what images of this one are, at its end."""
        presentations = apps.get_model("rating", "Presentation").objects.filter(
            sitting__enrolment=models.OuterRef("pk"), rating__isnull=False
        )
        images = study.images.order_by().values("image")
        own = models.Q(study_image__image__in=images)  # of a set, each of its images
        readings = presentations.filter(own | models.Q(study_image__companions__image__in=images))
        enrolments = Enrolment.objects.filter(user__in=users, study__state=Study.State.UNBLINDED)
        enrolments = enrolments.filter(models.Exists(readings)).exclude(study=study).select_related("study")
        by_look = {(other.study.trail, other.pseudonym): other for other in enrolments}
        looks = Event.objects.filter(action=SCORE_SEEN, chain__in=[chain for chain, _ in by_look])
        logged = set(looks.values_list("chain", "detail__rater"))
        return {
            other.user_id: other.study.named_for(study) for look, other in by_look.items() if look in logged
        }


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
    ratings_removed_at = models.DateTimeField(
        null=True, editable=False
    )  # on withdrawal, where the study says so
    consented_at = models.DateTimeField(null=True, editable=False)
    consent_version = models.CharField(max_length=16, blank=True, editable=False)
    reminders_stopped_at = models.DateTimeField(null=True, editable=False)
    informed_at = models.DateTimeField(null=True, editable=False)  # of the purpose, after a first phase
    years = models.PositiveSmallIntegerField("years of reading images", null=True, blank=True)
    subspecialty = models.CharField(max_length=100, blank=True)
    ai_knowledge = models.CharField(max_length=7, choices=AIKnowledge, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    # Where `with_progress` counted them:
    presentation_count: int
    rated_count: int

    unrated_count: int  # where `with_progress` counted
    pace_ms: float | None
    last_rated_at: datetime | None

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
        # An answer of an earlier session may still be on its way when its rater has agreed to the next one's words.
        versions = {
            self.study.consent_version(later)
            for later in range(session, max(session, self.study.sessions) + 1)
        }
        return told_more or self.consent_version in versions

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
        return ceil(self.unrated_count * (self.pace_ms or USUAL_PACE_MS) / 60_000)

    def consent(self, session: int = 1, **profile: Any) -> None:
        """Keep that this rater has read and agreed, to which words, and who they say they are."""
        for field, value in profile.items():
            setattr(self, field, value)
        self.consented_at = timezone.now()
        self.consent_version = self.study.consent_version(session)
        if self.study.has_two_phases and not self.study.is_blinded_to_purpose(session):
            self.informed_at = self.informed_at or self.consented_at
        self.save(update_fields=["consented_at", "consent_version", "informed_at", *profile])
        who = rater(self.pseudonym)
        record(self.study, who, "consented", rater=self.pseudonym, session=session, to=self.consent_version)

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
        study = Study.objects.select_for_update().get(pk=study.pk)
        if existing := cls.objects.filter(study=study, user=user).first():
            if existing.withdrawn_at is not None:
                raise NotPossibleError(f"{existing} has withdrawn; enrol another rater in this place.")
            return existing
        if study.is_over:
            raise NotPossibleError("The study is closed: nobody can be enrolled any more.")
        if study.is_simulated and user.is_active:
            raise NotPossibleError("This study is a rehearsal by simulated raters; people cannot join it.")
        if machine and user.is_active:
            raise NotPossibleError("A machine rates under a name of its own, never under a person's.")
        may_rate = user.has_perm("rating.rate") and not user.has_perm("pool.view_image")
        if not may_rate and not study.is_simulated and not machine:
            raise NotPossibleError(
                f"{study.name_of_rater(user)} can see which images are generated, so cannot rate."
            )
        if (
            not study.is_simulated
            and not machine
            and (conflicts := cls.objects.purpose_conflicts(study, [user]))
        ):
            raise NotPossibleError(conflicts[0])
        if taught_in := cls.objects.taught_elsewhere(study, [user]).get(user.pk):
            raise NotPossibleError(
                f"{study.name_of_rater(user)} has read in {taught_in} what images of this study are: "
                "invite somebody else."
            )
        number = (cls.objects.filter(study=study).aggregate(last=models.Max("number"))["last"] or 0) + 1
        # Neither machines nor replacements take a turn from the people who come after them.
        same_kind = cls.objects.filter(study=study, replaces=None)
        before = same_kind.machines() if machine else same_kind.people()
        slot = replaces.slot if replaces else before.count() + 1
        enrolment = cls.objects.create(
            study=study, user=user, number=number, slot=slot, replaces=replaces, machine=machine
        )
        detail = {"machine": machine} if machine else {}
        record(study, by, "enrolled", rater=enrolment.pseudonym, **detail)
        if not study.is_draft:
            Orders(study).make_sittings(enrolment)
        return enrolment

    @transaction.atomic
    def replace(self, user: Any, *, by: Any = None) -> Enrolment:
        """Enrol somebody who reads the block of this rater, who has withdrawn."""
        study = Study.objects.select_for_update().get(pk=self.study_id)
        if self.withdrawn_at is None:
            raise NotPossibleError(f"{self} has not withdrawn.")
        if replaced_by := Enrolment.objects.filter(replaces=self).first():
            raise NotPossibleError(f"{self} has been replaced by {replaced_by} already.")
        if existing := Enrolment.objects.filter(study=study, user=user).first():
            raise NotPossibleError(f"{study.name_of_rater(user.email)} is {existing} of this study already.")
        return Enrolment.enrol(study, user, by=by, replaces=self)

    @transaction.atomic
    def withdraw(self, by: Any, reason: str) -> None:
        """End this rater's part: what they rated is kept, but counts no more."""
        must_say_why(reason)
        if not Enrolment.objects.filter(pk=self.pk, withdrawn_at=None).update(withdrawn_at=timezone.now()):
            raise NotPossibleError(f"{self} has withdrawn already.")
        self.refresh_from_db(fields=["withdrawn_at"])
        apps.get_model("rating", "Draft").objects.filter(presentation__sitting__enrolment=self).delete()
        record(self.study, by, "withdrew", reason=reason, rater=self.pseudonym)

    @transaction.atomic
    def mark_unblinded(self, by: Any, reason: str) -> None:
        """Keep that this rater knew the truth: every sitting stays, and all are left out."""
        must_say_why(reason)
        if self.study.is_unblinded:
            raise NotPossibleError("The study is unblinded: everybody knows the truth now.")
        if not self.sittings.exists():
            raise NotPossibleError(f"{self} has no order yet; withdraw this rater instead.")
        self.sittings.filter(unblinded_at=None).update(unblinded_at=timezone.now())
        record(self.study, by, "marked unblinded", reason=reason, rater=self.pseudonym)
