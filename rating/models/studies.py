"""A study and the images in it."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any, ClassVar, Self

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models.functions import Coalesce, Now
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_noop

from pool.models import Dataset, Image, ImageQuerySet, Origin
from rating.models.audit import AuditEvent
from rating.models.protocol import Protocol
from rating.purpose import telling_words

# What readers of published visual Turing tests gave as reasons.
DEFAULT_REASONS = "\n".join(
    [
        gettext_noop("Unusual ribs"),
        gettext_noop("Strange clavicle"),
        gettext_noop("Unusual exposure"),
        gettext_noop("Vessels drawn, not imaged"),
        gettext_noop("Trachea visible behind the heart"),
        gettext_noop("Garbled text"),
    ]
)


# A study's own life, not its protocol: what goes on changing after the freeze, and what names the row.
LIFE = frozenset(
    {"id", "slug", "state", "manifest_sha256", "order_version", "created_by", "created_at", "copy_of"}
    | {"frozen_at", "opened_at", "closed_at", "unblinded_at"}
)


class NotPossible(Exception):
    """What was asked cannot be done in the study's present state; the message says why."""


def random_seed() -> int:
    return secrets.randbits(62)


def random_slug() -> str:
    """Raters see it in the address bar, so it is made of nothing."""
    return secrets.token_hex(4)


class StudyQuerySet(models.QuerySet["Study"]):
    def drafts(self) -> Self:
        return self.filter(state=Study.State.DRAFT)

    def over(self) -> Self:
        """Closed for good, whether or not unblinded."""
        return self.filter(state__in=[Study.State.CLOSED, Study.State.UNBLINDED])

    def with_progress(self) -> Self:
        """Each with `rater_count`, `presentation_count` and `rated_count`, of people and of what stands."""
        from rating.models.sittings import Presentation  # sittings are of studies

        standing = Presentation.objects.filter(
            sitting__enrolment__study=models.OuterRef("pk"),
            sitting__enrolment__withdrawn_at=None,
            sitting__enrolment__machine="",
            sitting__reset_at=None,
        )
        return self.annotate(
            rater_count=models.Count(
                "enrolments", filter=models.Q(enrolments__withdrawn_at=None, enrolments__machine="")
            ),
            presentation_count=_how_many(standing),
            rated_count=_how_many(standing.filter(rating__isnull=False)),
        )

    def open_to(self, user: Any) -> Self:
        """Studies this person may rate in now."""
        return self.filter(state=Study.State.OPEN, enrolments__user=user, enrolments__withdrawn_at=None)


def _how_many(rows: models.QuerySet[Any]) -> Coalesce:
    """Their number, as a column of the query they refer to."""
    counted = rows.order_by().values("sitting__enrolment__study").annotate(number=models.Count("pk"))
    return Coalesce(models.Subquery(counted.values("number")), 0)


class Study(Protocol):
    """One reader study. Its protocol is fixed when it is frozen."""

    class State(models.TextChoices):
        DRAFT = "draft"
        FROZEN = "frozen"
        OPEN = "open"
        CLOSED = "closed"
        UNBLINDED = "unblinded"

    class GoingBack(models.TextChoices):
        NONE = "none", "Never: a saved answer stands"
        LAST = "last", "The last saved answer may be changed"
        ANY = "any", "Every answer may be changed"

    class Bits(models.IntegerChoices):
        EIGHT = 8, "8 bits"
        SIXTEEN = 16, "16 bits"

    LET_NEAR_COPIES_IN = "let near-copies in"  # as the log names it

    name = models.CharField(max_length=100, unique=True, help_text="Raters see it: let it not tell.")
    slug = models.SlugField(max_length=100, unique=True, default=random_slug, editable=False)
    instructions = models.TextField(
        blank=True,
        default=(
            "For each image say whether you take it for a real patient's image or for one made by a "
            "computer, or that you are unsure. Then note what you see, in a few words."
        ),
    )
    canvas = models.PositiveSmallIntegerField(
        default=512,
        validators=[MinValueValidator(64), MaxValueValidator(2048)],
        help_text="Side of the square every image is shown on, in pixels.",
    )
    bits = models.PositiveSmallIntegerField(
        "grey depth", choices=Bits, default=Bits.EIGHT, help_text="16 bits let raters window the image."
    )
    consent = models.TextField(
        blank=True,
        help_text="What raters agree to before they begin. Empty: they only read the instructions.",
    )
    hold_ahead = models.PositiveSmallIntegerField(
        "images held ahead",
        default=5,
        validators=[MinValueValidator(3), MaxValueValidator(5000)],
        help_text="How many images a rater's browser may hold unread; more for rooms with a bad network.",
    )
    going_back = models.CharField(max_length=4, choices=GoingBack, default=GoingBack.LAST)
    ask_confidence = models.BooleanField("ask how sure the rater is, from 1 to 5", default=False)
    reasons = models.TextField(
        "reasons for “fake”",
        blank=True,
        default=DEFAULT_REASONS,
        help_text="One per line; raters may tick them. Empty: none are offered.",
    )
    fixed_zoom = models.BooleanField("same zoom for all raters", default=False)
    fixed_window = models.BooleanField("same window for all raters", default=False)
    break_after = models.PositiveSmallIntegerField(
        "minutes until a break is suggested", default=30, help_text="0: never."
    )
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

    def get_absolute_url(self) -> str:
        return reverse("rating:study", args=[self.slug])

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

    def told_before(self, session: int) -> tuple[str, str]:
        """The instructions of a session and what raters are told of the share of generated images."""
        if self.is_blinded_to_purpose(session):
            return self.first_instructions, ""
        return self.instructions, self.prevalence_note

    def consent_version(self, session: int = 1) -> str:
        """A short name for the very words a rater reads before beginning a session."""
        instructions, prevalence_note = self.told_before(session)
        words = f"{instructions}\0{self.consent}\0{prevalence_note}"
        return hashlib.sha256(words.encode()).hexdigest()[:16]

    @property
    def reason_list(self) -> list[str]:
        """The reasons for “fake” that raters may tick, in the order given, each once."""
        lines = (line.strip() for line in self.reasons.splitlines())
        return list(dict.fromkeys(line for line in lines if line))

    def protocol(self) -> dict[str, Any]:
        """What the study declares, field by field; after the freeze the database keeps it as it is."""
        fields = (field.attname for field in self._meta.concrete_fields if field.name not in LIFE)
        return {name: getattr(self, name) for name in fields}

    @transaction.atomic
    def discard_preparation(self) -> None:
        """Drop what an unfinished freeze of this draft has left, which no longer fits a changed protocol."""
        study = Study.objects.select_for_update().get(pk=self.pk)
        if not study.is_draft:
            raise NotPossible("A frozen study keeps its images and orders.")
        if study.freezes.active().exists():
            raise NotPossible("The study is being frozen; wait for it, or cancel it, before you change it.")
        for enrolment in self.enrolments.all():
            for sitting in enrolment.sittings.all():
                sitting.presentations.all().delete()
            enrolment.sittings.all().delete()
        self.images.all().delete()

    def reasons_not_to_freeze(self) -> list[str]:
        """Why the study cannot be frozen yet, in sentences; empty when it can."""
        if not self.is_draft:
            return [f"The study is {self.state} already."]
        strata = list(self.strata.select_related("dataset"))
        if not any(stratum.role == StudyImage.Role.MAIN for stratum in strata):
            return ["Choose at least one dataset and how many of its images to show."]
        return [
            *self._too_few_images(strata),
            *self._uneven_sets(strata),
            *self._impossible_orders(strata),
            *self._given_away(),
        ]

    def _uneven_sets(self, strata: list[Stratum]) -> list[str]:
        """Where the images asked for do not make whole sets: one that is looked for, and so many others."""
        if not self.shows_sets:
            return []
        sought = Origin.REAL if self.sought == self.Sought.REAL else Origin.SYNTHETIC
        counts: dict[tuple[str, str], list[int]] = {}
        for stratum in strata:
            of_kind = counts.setdefault(
                (stratum.get_role_display(), stratum.dataset.get_modality_display()), [0, 0]
            )
            of_kind[stratum.dataset.origin != sought] += stratum.count
        others = self.set_size - 1
        reasons = [
            f"{role}, {modality}: {found} {self.sought} images need {found * others} others to make sets of "
            f"{self.set_size}, not {rest}."
            for (role, modality), (found, rest) in counts.items()
            if rest != found * others
        ]
        if self.primary_endpoint in {self.Endpoint.AUC, self.Endpoint.FOOL_RATE}:
            reasons.append(
                "A forced choice has an accuracy and an agreement, no AUC or fool rate: declare one of these."
            )
        return reasons

    def _given_away(self) -> list[str]:
        """What would tell raters of the first phase that images may be generated."""
        if not self.has_two_phases:
            return []
        read_first = {
            "name": self.name,
            "consent": self.consent,
            "first instructions": self.first_instructions,
        }
        found = {what: telling_words(words) for what, words in read_first.items()}
        reasons = [
            f"Raters read the {what} before they are told the purpose, and it says “{'”, “'.join(words)}”."
            for what, words in found.items()
            if words
        ]
        return reasons if self.first_instructions.strip() else [*reasons, "Write the first instructions."]

    def _too_few_images(self, strata: list[Stratum]) -> list[str]:
        return [
            f"“{stratum.dataset}” has {stratum.available()} usable images, {stratum.asked_in_all()} are asked for."
            + stratum.held_back_in_words()
            for stratum in strata
            if stratum.available() < stratum.asked_in_all()
        ]

    @property
    def lets_near_copies_in(self) -> bool:
        """True where a person has let fakes that repeat real images in, by name and reason."""
        return self.events.filter(action=self.LET_NEAR_COPIES_IN).exists()

    def _reasons_of_near_copies(self) -> list[str]:
        """What was found after the freeze keeps the study closed as well."""
        if self.lets_near_copies_in or self.is_simulated:
            return []
        held = Image.objects.held_back().filter(pk__in=self.images.values("image")).count()
        if not held:
            return []
        found = f"{held} of its images repeat real images of the pool, as a quality report found."
        return [f"{found} Copy the study and freeze the copy, which leaves them out, or let them in by name."]

    def _impossible_orders(self, strata: list[Stratum]) -> list[str]:
        size = self.set_size
        main = sum(stratum.count for stratum in strata if stratum.role == StudyImage.Role.MAIN) // size
        probes = sum(stratum.count for stratum in strata if stratum.role == StudyImage.Role.PROBE) // size
        if self.blocks > 1 and self.anchors + self.blocks > main:
            return [f"{self.anchors} anchors and {self.blocks} blocks need more than {main} images."]
        read = main if self.blocks == 1 else self.anchors + (main - self.anchors) // self.blocks
        if self.repeats and self.repeats > read + probes - self.repeat_gap:
            return [
                (
                    f"A rater reads {read + probes} images: {self.repeats} repeats with {self.repeat_gap} images "
                    "between do not fit; ask for fewer, or for a smaller gap."
                )
            ]
        return []

    def reasons_not_to_open(self) -> list[str]:
        """Why raters cannot begin yet, in sentences; empty when they can."""
        if self.is_draft:
            return [*self.reasons_not_to_freeze(), "Freeze the study: that fixes its images and orders."]
        if self.state != self.State.FROZEN:
            return [f"The study is {self.state} already."]
        without_raters = (
            []
            if self.enrolments.filter(withdrawn_at=None, machine="").exists()
            else ["Invite at least one rater."]
        )
        return [*without_raters, *self._reasons_of_near_copies(), *self._reasons_of_the_blinding_audit()]

    def _reasons_of_the_blinding_audit(self) -> list[str]:
        if self.is_simulated:
            return []  # nobody reads it, so nothing can leak
        audit = self.blinding_audit
        return ["Run the blinding audit."] if audit is None else audit.reasons_not_to_open()

    @property
    def blinding_audit(self) -> Any:
        """The audit that counts, the latest; None before the first freeze."""
        return self.blinding_audits.first()

    def open(self, user: Any) -> None:
        if reasons := self.reasons_not_to_open():
            raise NotPossible(" ".join(reasons))
        self._move(self.State.FROZEN, self.State.OPEN, "opened_at", user)

    @transaction.atomic
    def close(self, user: Any) -> None:
        """Take no more ratings; whoever may look into the pool by now has not read blinded."""
        self._move(self.State.OPEN, self.State.CLOSED, "closed_at", user)
        for enrolment in self.enrolments.select_related("user"):
            if enrolment.user.has_perm("pool.view_image"):
                enrolment.mark_unblinded(user, "This rater may look into the pool by now.")

    def unblind(self, user: Any, reason: str) -> None:
        if not reason.strip():
            raise NotPossible("Say why the study is unblinded now; the reason is kept in its log.")
        self._move(self.State.CLOSED, self.State.UNBLINDED, "unblinded_at", user, reason=reason)

    @transaction.atomic
    def _move(self, before: State, after: State, stamp: str, user: Any, *, reason: str = "") -> None:
        """Move on from exactly one state, so that two people clicking at once act once."""
        moved = Study.objects.filter(pk=self.pk, state=before).update(state=after, **{stamp: timezone.now()})
        if not moved:
            raise NotPossible(f"Only a study that is {before} can become {after}.")
        AuditEvent.record(self, user, after, reason=reason)
        self.refresh_from_db()


class Role(models.TextChoices):
    """What an image is shown for. Practice comes first and counts nowhere; probes are obvious cases."""

    MAIN = "main", "Main"
    PRACTICE = "practice", "Practice"
    PROBE = "probe", "Probe"


class Stratum(models.Model):
    """How many images of one dataset (and, if given, one label) a study shows, and what for."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="strata")
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="+")
    label = models.CharField(max_length=100, blank=True)
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
        images = self._shown().filter(dataset=self.dataset)
        return images.filter(label=self.label) if self.label else images

    def available(self) -> int:
        return self.candidates().count()

    def _shown(self) -> ImageQuerySet:
        return Image.objects.usable() if self.study.lets_near_copies_in else Image.objects.shown_freely()

    def held_back_in_words(self) -> str:
        """How many more there would be with near-copies let in; "" where there are none."""
        more = (
            Image.objects.usable().matching(dataset=self.dataset, label=self.label).count() - self.available()
        )
        return f" {more} more are held back as near-copies of real images." if more else ""

    def asked_in_all(self) -> int:
        """How many images all strata of this study want of these candidates: no image is drawn twice."""
        of_this = self.study.strata.filter(dataset=self.dataset)
        wanted = of_this.filter(label=self.label) if self.label else of_this
        return sum(wanted.values_list("count", flat=True))


def derivative_path(study_image: StudyImage, _filename: str) -> str:
    return f"derivatives/{study_image.study_id}/{secrets.token_hex(16)}.png"


class StudyImage(models.Model):
    """An image's place in a study, with the blinded derivative that raters see."""

    Role = Role

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="images")
    image = models.ForeignKey(Image, on_delete=models.PROTECT, related_name="+")
    code = models.CharField(max_length=8)
    role = models.CharField(max_length=8, choices=Role, default=Role.MAIN)
    block = models.PositiveSmallIntegerField(default=0)  # 0: read by every rater
    # In a forced choice a set goes by the image with its lowest code; the others stand beside that one.
    beside = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, editable=False, related_name="companions"
    )
    derivative = models.FileField(upload_to=derivative_path, max_length=200, blank=True)
    derivative_sha256 = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(fields=["study", "image"], name="image_once_per_study"),
            models.UniqueConstraint(fields=["study", "code"], name="code_once_per_study"),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def members(self) -> list[StudyImage]:
        """The images of the set that goes by this one, by code; each has the letter of its place here: a, b …"""
        companions = list(self.companions.select_related("image").order_by("code"))
        return [self, *companions]
