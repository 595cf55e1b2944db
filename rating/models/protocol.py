"""The protocol: what a study declares before it is frozen, and cannot change afterwards."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models


class Protocol(models.Model):
    class BurnedIn(models.TextChoices):
        KEEP = "keep", "Keep it: real and generated images alike"
        MASK = "mask", "Mask the four corners of every image"
        LEAVE_OUT = "leave out", "Leave out images that have it"

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
    prevalence_note = models.CharField(
        "what raters are told of the share of generated images",
        max_length=300,
        blank=True,
        default="Any share of the images may be generated, from none to all.",
    )
    primary_endpoint = models.CharField(max_length=9, choices=Endpoint, default=Endpoint.FOOL_RATE)
    unsure_policy = models.CharField(max_length=7, choices=UnsurePolicy, default=UnsurePolicy.WRONG)
    equivalence_margin = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0.01), MaxValueValidator(0.5)],
        help_text="To claim “cannot be told apart”: how far from chance still counts as chance, 0.1 say.",
    )

    class Meta:
        abstract = True

    @property
    def everybody_reads_all(self) -> bool:
        return self.blocks == 1
