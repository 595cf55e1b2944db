"""How raters meet the images: what they are told and shown, and what they may do."""

from __future__ import annotations

import hashlib

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext, gettext_noop

from rating.studies.protocol import Protocol
from rating.studies.second_questions import SecondQuestion, checked, second_questions

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


class ReadingRoom(Protocol):
    class GoingBack(models.TextChoices):
        NONE = "none", "Never: a saved answer stands"
        LAST = "last", "The last saved answer may be changed"
        ANY = "any", "Every answer may be changed"

    class Withdrawal(models.TextChoices):
        KEEP = "keep", "Ratings stay under the pseudonym and count in no result"
        REMOVE = "remove", "Ratings are removed; the log says how many"

    class Debriefing(models.TextChoices):
        NOTHING = "nothing", "Nothing"
        THANKS = "thanks", "Thanks"
        ANSWERS = "answers", "Thanks, and their own answers once all are given"
        SCORE = "score", "Teaching: after unblinding, their own score and each image with its truth"

    class DisplayCheck(models.TextChoices):
        OFF = "off", "Not asked"
        OFFERED = "offered", "Offered before the first image"
        REQUIRED = "required", "No image before it is made"

    class Bits(models.IntegerChoices):
        EIGHT = 8, "8 bits"
        SIXTEEN = 16, "16 bits"

    instructions = models.TextField(
        blank=True,
        default=gettext_noop(
            "For each image say whether you take it for a real patient's image or for one made by a "
            "computer, or that you are unsure. Then note what you see, in a few words."
        ),
    )
    clues = models.TextField(
        "clues before the sessions that follow",
        blank=True,
        default="",
        db_default="",
        help_text="What raters are told to look for after the first informed session. Empty: nothing more.",
    )
    canvas = models.PositiveSmallIntegerField(
        default=512,
        validators=[MinValueValidator(64), MaxValueValidator(2048)],
        help_text="Side of the square every image is shown on, in pixels.",
    )
    bits = models.PositiveSmallIntegerField(
        "grey depth", choices=Bits, default=Bits.EIGHT, help_text="16 bits let raters window the image."
    )
    slices = models.PositiveSmallIntegerField(
        "slices of a stack",
        default=0,
        db_default=1,
        validators=[MaxValueValidator(500)],
        help_text="How many evenly spaced slices raters scroll through. 0: as many as the smallest image of the study has, which is the most; 1: the middle slice alone.",
    )
    consent = models.TextField(
        blank=True,
        help_text="What raters agree to before they begin. Empty: they only read the instructions.",
    )
    withdrawal = models.CharField(
        "when a rater withdraws",
        max_length=6,
        choices=Withdrawal,
        default=Withdrawal.KEEP,
        db_default=Withdrawal.KEEP,
        help_text="As the consent says. Only the rater's own withdrawal removes ratings, never an organiser's.",
    )
    hold_ahead = models.PositiveSmallIntegerField(
        "images held ahead",
        default=5,
        validators=[MinValueValidator(3), MaxValueValidator(5000)],
        help_text="How many images a rater's browser may hold unread; more for rooms with a bad network.",
    )
    going_back = models.CharField(max_length=4, choices=GoingBack, default=GoingBack.LAST)
    ask_correction_reason = models.BooleanField(
        "ask why an answer is changed", default=False, db_default=False
    )
    ask_confidence = models.BooleanField("ask how sure the rater is, from 1 to 5", default=False)
    require_confidence = models.BooleanField(
        "no answer without it",
        default=False,
        db_default=False,
        help_text="How sure the rater is must be said before an answer is saved.",
    )
    reasons = models.TextField(
        "reasons for “fake”",
        blank=True,
        default=DEFAULT_REASONS,
        help_text="One per line; raters may tick them. Empty: none are offered.",
    )
    second_questions = models.JSONField(
        default=list,
        db_default=[],
        blank=True,
        help_text="What is asked of each image besides its label: a diagnosis, or how good the image is.",
    )
    debriefing = models.CharField(
        "what raters get at the end",
        max_length=7,
        choices=Debriefing,
        default=Debriefing.THANKS,
        db_default=Debriefing.THANKS,
    )
    marks = models.BooleanField(
        "raters may mark places",
        default=False,
        db_default=False,
        help_text="Points and boxes on the image, on what looks wrong; not in forced choices.",
    )
    ask_usability = models.BooleanField(
        "ask how usable the site is",
        default=False,
        db_default=False,
        help_text="The ten questions of the System Usability Scale, at the end of a rater's last sitting.",
    )
    display_check = models.CharField(
        "display check",
        max_length=8,
        choices=DisplayCheck,
        default=DisplayCheck.OFFERED,
        db_default=DisplayCheck.OFFERED,
        help_text="Contrast squares, the size of the screen by a card held to it, the light in the room; of each sitting.",
    )
    fixed_zoom = models.BooleanField("same zoom for all raters", default=False)
    fixed_window = models.BooleanField("same window for all raters", default=False)
    break_after = models.PositiveSmallIntegerField(
        "minutes until a break is suggested", default=30, help_text="0: never."
    )

    class Meta:
        abstract = True

    def clean(self) -> None:
        super().clean()
        if self.require_confidence and not self.ask_confidence:
            raise ValidationError({"require_confidence": "Ask how sure the rater is, too."})
        if self.is_arena and self.debriefing == self.Debriefing.SCORE:
            reason = (
                "In an arena no answer is right or wrong, so raters have no score: choose something else."
            )
            raise ValidationError({"debriefing": reason})
        try:
            self.second_questions = checked(self.second_questions)
        except ValidationError as error:
            raise ValidationError({"second_questions": error.messages}) from error
        if self.second_questions and self.shows_sets:
            reason = (
                "A forced choice shows several images at once, so a second question would be of none of them."
            )
            raise ValidationError({"second_questions": reason})

    def second_questions_of(self, session: int) -> list[SecondQuestion]:
        """What this session asks besides the label, in the order declared."""
        return [each for each in second_questions(self.second_questions) if each.is_asked_in(session)]

    @property
    def lets_mark(self) -> bool:
        """Whether raters may mark places: of sets nobody could say of which image."""
        return self.marks and not self.shows_sets

    def told_before(self, session: int) -> tuple[str, str]:
        """The instructions of a session and what raters are told of the share of generated images.

        In the reader's language where they are those that LungRater proposes; otherwise as the study has them.
        """
        instructions, prevalence_note = self._declared_before(session)
        parts = filter(None, (instructions, self.clues_before(session)))
        return "\n\n".join(map(gettext, parts)), gettext(prevalence_note)

    def clues_before(self, session: int) -> str:
        """What raters are told to look for before this session; empty up to the first informed one."""
        return self.clues if session > self.first_informed_session else ""

    def _declared_before(self, session: int) -> tuple[str, str]:
        if self.is_blinded_to_purpose(session):
            return self.first_instructions, ""
        return self.instructions, self.prevalence_note

    def consent_version(self, session: int = 1) -> str:
        """A short name for the very words a rater reads before beginning a session, the same in every language."""
        instructions, prevalence_note = self._declared_before(session)
        words = f"{instructions}\0{self.consent}\0{prevalence_note}"
        if self.withdrawal != self.Withdrawal.KEEP:
            words += f"\0{self.withdrawal}"
        if clues := self.clues_before(session):
            words += f"\0clues\0{clues}"
        return hashlib.sha256(words.encode()).hexdigest()[:16]

    @property
    def reason_list(self) -> list[str]:
        """The reasons for “fake” that raters may tick, in the order given, each once."""
        lines = (line.strip() for line in self.reasons.splitlines())
        return list(dict.fromkeys(line for line in lines if line))
