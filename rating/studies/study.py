"""A study: its life from draft to unblinding."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models.functions import Coalesce, Now
from django.urls import reverse
from django.utils import timezone

from accounts.membership.models import Shared, SharedQuerySet
from audit import record
from audit.models import Event, EventQuerySet
from pool.counting import count_of
from rating.studies.randomness import random_seed, random_slug
from rating.studies.readiness import reasons_not_to_freeze, reasons_not_to_open
from rating.studies.reading_settings import ReadingRoom
from rating.studies.trail.sitting_heads import enter_heads

# A study's own life, not its protocol: what goes on changing after the freeze, and what names the row.
LIFE = frozenset(
    {"id", "slug", "state", "manifest_sha256", "order_version", "created_by", "created_at", "copy_of"}
    | {"frozen_at", "opened_at", "closed_at", "unblinded_at", "unblinding_asked_by", "unblinding_reason"}
)


class NotPossibleError(Exception):
    """What was asked cannot be done in the study's present state; the message says why."""


def must_say_why(reason: str) -> None:
    if not reason.strip():
        raise NotPossibleError("Say why; the reason is kept in the study's log.")


class StudyQuerySet(SharedQuerySet["Study"]):
    def results_open_to(self, person: Any) -> Self:
        """Closed studies whose results this person may see: editors at once, viewers once unblinded."""
        unblinded = models.Q(pk__in=self.visible_to(person).filter(state=Study.State.UNBLINDED).values("pk"))
        return self.over().filter(unblinded | models.Q(pk__in=self.editable_by(person).values("pk")))

    def keys_of(self, person: Any) -> Self:
        """Studies whose raters researchers know by pseudonym alone: admins hold their keys, with or without a part."""
        if not person.has_perm("accounts.change_user"):
            return self.none()
        return self.filter(pseudonyms_only=True)

    def filled_by(self, person: Any) -> Self:
        """Studies this person may enrol raters in: an editor; where only pseudonyms are seen, an admin."""
        editable = models.Q(pk__in=self.editable_by(person).values("pk"), pseudonyms_only=False)
        return self.filter(editable | models.Q(pk__in=self.keys_of(person).values("pk")))

    def listed(self, *, archived: bool = False) -> Self:
        """Those that the lists show, or those in the archive."""
        return self.filter(archived__isnull=not archived)

    def drafts(self) -> Self:
        return self.filter(state=Study.State.DRAFT)

    def over(self) -> Self:
        """Closed for good, whether or not unblinded."""
        return self.filter(state__in=[Study.State.CLOSED, Study.State.UNBLINDED])

    def with_progress(self) -> Self:
        """Each with `rater_count`, `presentation_count` and `rated_count`, of people and of what stands."""
        sittings = apps.get_model("rating", "Sitting").objects
        standing = sittings.standing().filter(
            enrolment__study=models.OuterRef("pk"), enrolment__withdrawn_at=None, enrolment__machine=""
        )
        raters = apps.get_model("rating", "Enrolment").objects.filter(withdrawn_at=None, machine="")
        return self.annotate(
            rater_count=count_of(raters, "study"),
            presentation_count=_sum(standing, "presentation_count"),
            rated_count=_sum(standing, "rated_count"),
        )

    def open_to(self, user: Any) -> Self:
        """Studies this person may rate in now."""
        return self.filter(state=Study.State.OPEN, enrolments__user=user, enrolments__withdrawn_at=None)


def _sum(sittings: models.QuerySet[Any], counts: str) -> Coalesce:
    """Of a column of these sittings, as a column of the query they refer to."""
    of_study = sittings.order_by().values("enrolment__study").annotate(number=models.Sum(counts))
    return Coalesce(models.Subquery(of_study.values("number")), 0)


class Study(Shared, ReadingRoom):
    """One reader study. Its protocol is fixed when it is frozen."""

    class State(models.TextChoices):
        DRAFT = "draft"
        FROZEN = "frozen"
        OPEN = "open"
        CLOSED = "closed"
        UNBLINDED = "unblinded"

    LET_NEAR_COPIES_IN = "let near-copies in"  # as the log names it

    name = models.CharField(max_length=100, unique=True, help_text="Raters see it: let it not tell.")
    slug = models.SlugField(max_length=100, unique=True, default=random_slug, editable=False)
    is_simulated = models.BooleanField(default=False, editable=False)
    copy_of = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, editable=False, related_name="copies"
    )
    state = models.CharField(max_length=9, choices=State, default=State.DRAFT, editable=False)
    seed = models.BigIntegerField(default=random_seed, editable=False)
    manifest_sha256 = models.CharField(max_length=64, blank=True, editable=False)
    order_version = models.CharField(max_length=40, blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    frozen_at = models.DateTimeField(null=True, editable=False)
    opened_at = models.DateTimeField(null=True, editable=False)
    closed_at = models.DateTimeField(null=True, editable=False)
    unblinded_at = models.DateTimeField(null=True, editable=False)
    # With four eyes: who wished to unblind first, and why; another owner or editor confirms.
    unblinding_asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )
    unblinding_reason = models.CharField(max_length=500, blank=True, default="", editable=False)

    # Where `with_progress` counted them:
    rater_count: int
    presentation_count: int
    rated_count: int

    objects = StudyQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        permissions: ClassVar = [
            ("view_truth", "May see which images are real, once a study is unblinded"),
            ("export_study", "May export ratings"),
            ("rate", "May rate in studies they are enrolled in"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state="draft") | ~models.Q(manifest_sha256=""),
                name="study_past_draft_has_a_manifest",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="unblinded") | models.Q(closed_at__isnull=False),
                name="study_closes_before_it_is_unblinded",
            ),
            models.CheckConstraint(
                condition=~models.Q(design="two-phase") | models.Q(sessions__gte=2),
                name="two_phases_need_two_sessions",
                violation_error_message="A study in two phases needs two sessions or more.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse to show, or to hide too late, who the raters are."""
        super().clean()
        if self.pk is None:
            return
        stored = Study.objects.filter(pk=self.pk).values_list("pseudonyms_only", flat=True).first()
        if stored not in {None, self.pseudonyms_only} and self.enrolments.people().exists():
            reason = "Somebody is enrolled: whether researchers see who the raters are stands from then on."
            raise ValidationError({"pseudonyms_only": reason})

    @property
    def trail(self) -> str:
        """The chain of the log that holds what is done to this study."""
        return f"study {self.pk}"

    @property
    def events(self) -> EventQuerySet:
        """Its log, the latest first."""
        return Event.objects.of_chain(self)

    def get_absolute_url(self) -> str:
        return reverse("rating:study", args=[self.slug])

    def name_of_rater(self, person: Any, code: str | None = None) -> str:
        """How a sentence may name a person who reads, or is to read, this study."""
        return (code or "This person") if self.pseudonyms_only else str(person)

    def named_for(self, study: Study) -> str:
        """This study in a sentence about a rater of both: its raters' list may lead to the person."""
        return "another study" if self.pseudonyms_only or study.pseudonyms_only else f"“{self}”"

    @property
    def is_draft(self) -> bool:
        return self.state == self.State.DRAFT

    @property
    def is_open(self) -> bool:
        return self.state == self.State.OPEN

    @property
    def is_over(self) -> bool:
        """Closed for good: labels may be looked at, truth not yet."""
        return self.state in {self.State.CLOSED, self.State.UNBLINDED}

    @property
    def is_unblinded(self) -> bool:
        return self.state == self.State.UNBLINDED

    def protocol(self) -> dict[str, object]:
        """What the study declares, field by field; after the freeze the database keeps it as it is."""
        fields = (field.attname for field in self._meta.concrete_fields if field.name not in LIFE)
        return {name: getattr(self, name) for name in fields}

    @transaction.atomic
    def discard_preparation(self) -> None:
        """Drop what an unfinished freeze of this draft has left, which no longer fits a changed protocol."""
        study = Study.objects.select_for_update().get(pk=self.pk)
        if not study.is_draft:
            raise NotPossibleError("A frozen study keeps its images and orders.")
        if study.freezes.active().exists():
            raise NotPossibleError(
                "The study is being frozen; wait for it, or cancel it, before you change it."
            )
        for enrolment in self.enrolments.all():
            for sitting in enrolment.sittings.all():
                sitting.presentations.all().delete()
            enrolment.sittings.all().delete()
        self.images.all().delete()

    @property
    def lets_near_copies_in(self) -> bool:
        """True where a person has let fakes that repeat real images in, by name and reason."""
        return self.events.filter(action=self.LET_NEAR_COPIES_IN).exists()

    @property
    def blinding_audit(self) -> Any:
        """The audit that counts, the latest; None before the first freeze."""
        return self.blinding_audits.first()

    def refuse_unsigned(self, user: Any) -> None:
        """Where signatures are asked for, nobody in particular cannot act: nobody signs at a command line."""
        if self.signatures and user is None and not self.is_simulated:
            raise NotPossibleError(
                "This study asks for signatures, which are given on its pages, not on the command line."
            )

    def reasons_not_to_freeze(self) -> list[str]:
        """Why the study cannot be frozen yet, in sentences; empty when it can."""
        return reasons_not_to_freeze(self)

    def reasons_not_to_open(self) -> list[str]:
        """Why raters cannot begin yet, in sentences; empty when they can."""
        return reasons_not_to_open(self)

    @transaction.atomic
    def open(self, user: Any) -> None:
        """Let raters begin; a study that is read stands in the lists, so it leaves the archive."""
        if reasons := self.reasons_not_to_open():
            raise NotPossibleError(" ".join(reasons))
        self._move(self.State.FROZEN, self.State.OPEN, "opened_at", user)
        if apps.get_model("rating", "ArchivedStudy").objects.filter(study=self).delete()[0]:
            record(self, user, "brought the study back from the archive")

    @transaction.atomic
    def close(self, user: Any) -> None:
        """Take no more ratings; whoever knows by now which images are generated has not read blinded."""
        self._move(self.State.OPEN, self.State.CLOSED, "closed_at", user)
        enter_heads(apps.get_model("rating", "Sitting").objects.filter(enrolment__study=self))
        drafts = apps.get_model("rating", "Draft").objects
        drafts.filter(presentation__sitting__enrolment__study=self).delete()
        enrolments = self.enrolments.select_related("user")
        taught = self.enrolments.taught_elsewhere(self, [enrolment.user_id for enrolment in enrolments])
        for enrolment in enrolments:
            if enrolment.user.has_perm("pool.view_image"):
                enrolment.mark_unblinded(user, "This rater may look into the pool by now.")
            elif enrolment.user_id in taught:
                where = taught[enrolment.user_id]
                enrolment.mark_unblinded(
                    user, f"This rater has read in {where} what images of this study are."
                )

    @transaction.atomic
    def unblind(self, user: Any, reason: str) -> bool:
        """True once the truth is visible; with four eyes the first person only asks, and a second one confirms."""
        if not reason.strip():
            raise NotPossibleError("Say why the study is unblinded now; the reason is kept in its log.")
        if self.four_eyes:
            Study.objects.select_for_update().get(pk=self.pk)  # a wish withdrawn meanwhile is not confirmed
            if self._asks_first(user, reason):
                return False
        self._move(self.State.CLOSED, self.State.UNBLINDED, "unblinded_at", user, reason=reason)
        return True

    def _asks_first(self, user: Any, reason: str) -> bool:
        """Whether this person is the first of the two; the same one asking again changes nothing."""
        if user is None:
            raise NotPossibleError("This study is unblinded by two people, so not on the command line.")
        waiting = Study.objects.filter(pk=self.pk, state=self.State.CLOSED, unblinding_asked_by=None)
        if waiting.update(unblinding_asked_by=user, unblinding_reason=reason[:500]):
            record(self, user, "asked to unblind", reason=reason)
            self.refresh_from_db()
            return True
        self.refresh_from_db()
        return bool(self.unblinding_asked_by_id == user.pk)

    @transaction.atomic
    def refuse_unblinding(self, user: Any, reason: str) -> str:
        """What was asked for no longer waits: whoever asked takes it back, or another refuses. What was done, for the person."""
        asked_by = self.unblinding_asked_by
        waiting = Study.objects.filter(pk=self.pk, state=self.State.CLOSED, unblinding_asked_by=asked_by)
        if asked_by is None or not waiting.update(unblinding_asked_by=None, unblinding_reason=""):
            raise NotPossibleError("Nobody's wish to unblind waits.")
        is_own = asked_by == user
        record(self, user, "withdrew the wish to unblind" if is_own else "refused to unblind", reason=reason)
        self.refresh_from_db()
        return (
            "Your wish to unblind is withdrawn." if is_own else "You have refused; the study stays blinded."
        )

    @transaction.atomic
    def _move(self, before: State, after: State, stamp: str, user: Any, *, reason: str = "") -> None:
        """Move on from exactly one state, so that two people clicking at once act once."""
        if after in {self.State.CLOSED, self.State.UNBLINDED}:
            self.refuse_unsigned(user)
        now = timezone.now()
        moved = Study.objects.filter(pk=self.pk, state=before).update(state=after, **{stamp: now})
        if not moved:
            raise NotPossibleError(f"Only a study that is {before} can become {after}.")
        record(self, user, after, reason=reason, at=now.isoformat())
        self.refresh_from_db()
