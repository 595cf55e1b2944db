"""The ten statements of the System Usability Scale, asked once a rater has read all; kept apart from the ratings."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import models
from django.db.models.functions import Now
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from rating.statistics.usability import ITEMS
from rating.studies.sittings.sitting import Sitting
from rating.studies.study import Study

STATEMENTS = (
    _("I think that I would like to use this system frequently."),
    _("I found the system unnecessarily complex."),
    _("I thought the system was easy to use."),
    _("I think that I would need the support of a technical person to be able to use this system."),
    _("I found the various functions in this system were well integrated."),
    _("I thought there was too much inconsistency in this system."),
    _("I would imagine that most people would learn to use this system very quickly."),
    _("I found the system very cumbersome to use."),
    _("I felt very confident using the system."),
    _("I needed to learn a lot of things before I could get going with this system."),
)
STEPS = [(step, str(step)) for step in range(1, 6)]


class UsabilityAnswer(models.Model):
    """What a rater thinks of the site, at the end of a sitting; all ten empty where they would not say."""

    sitting = models.OneToOneField(
        Sitting, on_delete=models.PROTECT, primary_key=True, related_name="usability_answer"
    )
    items = models.JSONField()
    answered_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Exact(
                    models.Func("items", function="jsonb_array_length", output_field=models.IntegerField()),
                    ITEMS,
                ),
                name="usability_has_ten_items",
            )
        ]

    def __str__(self) -> str:
        return f"usability of {self.sitting_id}"

    @property
    def is_declined(self) -> bool:
        return not any(self.items)

    @staticmethod
    def is_due(sitting: Sitting) -> bool:
        """Whether this sitting, which is read to its end, is to be asked about still."""
        is_asked: bool = sitting.enrolment.study.ask_usability
        return is_asked and not UsabilityAnswer.objects.filter(sitting=sitting).exists()

    @staticmethod
    def by_rater(study: Study) -> list[UsabilityAnswer]:
        """Of each rater that counts the last answer, by number; those who would not say are not among them."""
        answers = UsabilityAnswer.objects.filter(
            sitting__in=Sitting.objects.counted().filter(enrolment__study=study)
        ).select_related("sitting__enrolment")
        last = {
            answer.sitting.enrolment.number: answer
            for answer in answers.order_by("sitting__session")
            if not answer.is_declined
        }
        return [last[number] for number in sorted(last)]


class UsabilityForm(forms.Form):
    """One field an item; an item may stay empty and then counts as the middle."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for number, statement in enumerate(STATEMENTS, start=1):
            self.fields[f"item_{number}"] = forms.TypedChoiceField(
                label=statement,
                choices=STEPS,
                coerce=int,
                empty_value=None,
                required=False,
                widget=forms.RadioSelect,
            )

    def save(self, sitting: Sitting) -> None:
        """Keep the first answer; one sent again changes nothing."""
        items = [self.cleaned_data[f"item_{number}"] for number in range(1, ITEMS + 1)]
        UsabilityAnswer.objects.get_or_create(sitting=sitting, defaults={"items": items})
