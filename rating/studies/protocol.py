"""The protocol: what a study declares before it is frozen, and cannot change afterwards."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_noop

from rating.statistics.accuracy.indistinguishable import why_untestable
from rating.studies.questions import ANYTHING_UNUSUAL, MORE_REAL, REAL_OR_FAKE, WHICH_ONE, Question

NEUTRAL_INSTRUCTIONS = gettext_noop(
    "Look at each image as you would in your work and say whether anything about it strikes you as unusual. "
    "Then note the diagnosis, the quality of the image and anything unusual, in a few words."
)


class Protocol(models.Model):
    class Design(models.TextChoices):
        SINGLE = "single", "One image at a time: real, fake or unsure"
        TWO_PHASE = "two-phase", "First a session that does not tell the purpose, then real, fake or unsure"
        PAIR = "pair", "Forced choice: two images side by side, which one is it?"
        QUARTET = "quartet", "Forced choice: four images at a time, which one is it?"
        ARENA = "arena", "Generator arena: images of two generators side by side, which one looks more real?"

    class Sought(models.TextChoices):
        REAL = "real", "The real image; all others of the set are generated"
        FAKE = "fake", "The generated image; all others of the set are real"

    class BurnedIn(models.TextChoices):
        KEEP = "keep", "Keep it: real and generated images alike"
        MASK = "mask", "Mask the four corners of every image"
        LEAVE_OUT = "leave out", "Leave out images that have it"

    class CommonSize(models.TextChoices):
        OWN = "own", "As they are"
        SMALLEST = "smallest", "All images: to the size of the smallest, in eight bits"
        MODEL = (
            "model",
            "Real images as the model saw them: all to the size of the generated ones, in eight bits",
        )

    class GreyRange(models.TextChoices):
        OWN = "own", "Each image by its own range"
        COMMON = "common", "All images by the same grey levels, the mean of both arms"

    class UnsurePolicy(models.TextChoices):
        WRONG = "wrong", "“Unsure” counts as a wrong call"
        HALF = "half", "“Unsure” counts as half a right call"
        RIGHT = "right", "“Unsure” counts as a right call"
        EXCLUDE = "exclude", "“Unsure” is left out"

    class Endpoint(models.TextChoices):
        FOOL_RATE = "fool rate", "Fool rate: generated images called real"
        ACCURACY = "accuracy", "Accuracy: images called what they are"
        AUC = "auc", "AUC over real < unsure < fake"
        AGREEMENT = "agreement", "Agreement between the raters"
        STRENGTH = "strength", "Strength: how often one generator looks more real than another"

    design = models.CharField(max_length=9, choices=Design, default=Design.SINGLE, db_default=Design.SINGLE)
    sought = models.CharField(
        "which image of a set is looked for",
        max_length=4,
        choices=Sought,
        default=Sought.REAL,
        db_default=Sought.REAL,
        help_text="Only for a forced choice: every set has one such image.",
    )
    must_choose = models.BooleanField(
        "raters must choose one of the two",
        default=False,
        db_default=False,
        help_text="Only for an arena: without it they may say that both look alike.",
    )
    match_findings = models.BooleanField(
        "both images of a pair have the same finding",
        default=False,
        db_default=False,
        help_text="Only for an arena: as its datasets name it.",
    )
    contender = models.CharField(
        "generator of the primary result",
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text="Only for an arena: its model, else its engine, else its dataset; “real images” for real ones. "
        "Of two generators it may stay empty.",
    )
    opponent = models.CharField(
        "compared with", max_length=200, blank=True, default="", db_default="", help_text="Named likewise."
    )
    first_instructions = models.TextField(
        "instructions of the first, purpose-blinded session",
        blank=True,
        default=NEUTRAL_INSTRUCTIONS,
        db_default="",
        help_text="Only for a study in two phases: all that raters are told before they are told the purpose.",
    )
    sessions = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(5)],
        help_text="How often each rater reads the images, each time in a new order.",
    )
    washout_days = models.PositiveSmallIntegerField(
        "washout",
        default=14,
        validators=[MaxValueValidator(365)],
        help_text="Days between the end of one session and the start of the next.",
    )
    repeats = models.PositiveIntegerField(
        default=0, help_text="How many images come back once within a session, to see how steady a rater is."
    )
    repeat_gap = models.PositiveIntegerField(
        "least gap of repeats", default=20, help_text="Images between the first showing and the second."
    )
    blocks = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="1: every rater reads every image. More: each reads the anchors and one block, in turn.",
    )
    anchors = models.PositiveIntegerField(
        default=0, help_text="How many images every rater reads when there is more than one block."
    )
    burned_in = models.CharField(
        "letters burned into images", max_length=9, choices=BurnedIn, default=BurnedIn.KEEP
    )
    common_size = models.CharField(
        "size before the canvas",
        max_length=8,
        choices=CommonSize,
        default=CommonSize.OWN,
        db_default=CommonSize.OWN,
        help_text="Where one arm is larger than the other, its sharpness tells.",
    )
    grey_range = models.CharField(
        "grey levels",
        max_length=6,
        choices=GreyRange,
        default=GreyRange.OWN,
        db_default=GreyRange.OWN,
        help_text="Where one arm is darker or flatter than the other, that tells.",
    )
    prevalence_note = models.CharField(
        "what raters are told of the share of generated images",
        max_length=300,
        blank=True,
        default=gettext_noop("Any share of the images may be generated, from none to all."),
    )
    primary_endpoint = models.CharField(max_length=9, choices=Endpoint, default=Endpoint.FOOL_RATE)
    unsure_policy = models.CharField(max_length=7, choices=UnsurePolicy, default=UnsurePolicy.WRONG)
    equivalence_margin = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0.01), MaxValueValidator(0.5)],
        help_text="To claim “cannot be told apart”: how far from chance still counts as chance, 0.1 say.",
    )
    four_eyes = models.BooleanField(
        "two people unblind",
        default=False,
        db_default=False,
        help_text="One owner or editor asks for it, another one confirms.",
    )
    signatures = models.BooleanField(
        "electronic signatures",
        default=False,
        db_default=False,
        help_text="Freezing, closing, unblinding and the report are signed: signing in again, with a meaning.",
    )

    pseudonyms_only = models.BooleanField(
        "pseudonyms only",
        default=False,
        db_default=False,
        help_text="Who R01 is stands on one page for administrators, who invite the raters; researchers see codes. "
        "It cannot be changed once somebody is enrolled.",
    )

    class Meta:
        abstract = True

    def clean(self) -> None:
        """Refuse a margin around a value that the policy for “unsure” moves: page and command alike."""
        super().clean()
        reason = why_untestable(self.primary_endpoint, self.unsure_policy)
        if self.equivalence_margin is not None and not self.shows_sets and reason:
            raise ValidationError({"equivalence_margin": reason})
        if bool(self.contender) != bool(self.opponent) or (
            self.contender and self.contender == self.opponent
        ):
            raise ValidationError({"opponent": "Name two different generators, or none."})

    @property
    def set_size(self) -> int:
        """How many images one presentation shows."""
        sizes = {self.Design.PAIR: 2, self.Design.ARENA: 2, self.Design.QUARTET: 4}
        return sizes.get(self.Design(self.design), 1)

    @property
    def shows_sets(self) -> bool:
        return self.set_size > 1

    @property
    def is_arena(self) -> bool:
        """Whether generators are compared, so that no answer is right or wrong."""
        return self.design == self.Design.ARENA

    @property
    def versus(self) -> tuple[str, str] | None:
        """The two generators of the primary result; None where there are two alone, so that none were named."""
        return (self.contender, self.opponent) if self.contender else None

    @property
    def allows_ties(self) -> bool:
        return self.is_arena and not self.must_choose

    @property
    def has_two_phases(self) -> bool:
        return self.design == self.Design.TWO_PHASE

    def is_blinded_to_purpose(self, session: int) -> bool:
        """Whether raters of this session are not told yet that images may be generated."""
        return self.has_two_phases and session == 1

    @property
    def first_informed_session(self) -> int:
        return 2 if self.has_two_phases else 1

    def question(self, session: int) -> Question:
        """The question of this session."""
        if self.is_arena:
            return MORE_REAL[self.allows_ties]
        if self.shows_sets:
            return WHICH_ONE[self.set_size, self.sought]
        return ANYTHING_UNUSUAL if self.is_blinded_to_purpose(session) else REAL_OR_FAKE

    @property
    def everybody_reads_all(self) -> bool:
        return self.blocks == 1
