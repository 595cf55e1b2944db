"""The one form by which a remark is taken away for good, on the page and on the command line."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import transaction

from rating.reading.rating import Rating
from rating.reading.redaction import redact_remark
from rating.results.cache import forget
from rating.studies.study import Study


class RedactionForm(forms.Form):
    """Whose remark on which image, as the table of remarks names them, and why it must not stand."""

    rater = forms.CharField(max_length=12, strip=True, help_text="The pseudonym, R01 say.")
    image = forms.CharField(max_length=40, strip=True, help_text="The image's code in this study.")
    session = forms.IntegerField(min_value=1, required=False, help_text="Empty: every session.")
    reason = forms.CharField(
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="It is kept in the study's log: do not repeat what must not be known.",
    )

    def __init__(self, *args: Any, study: Study, by: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.study, self.by = study, by
        self.ratings: list[Rating] = []

    def clean(self) -> None:
        super().clean()
        cleaned = self.cleaned_data
        if self.errors:
            return
        number = cleaned["rater"][1:]
        ratings = Rating.objects.filter(
            presentation__sitting__enrolment__study=self.study,
            presentation__sitting__enrolment__number=int(number) if number.isdecimal() else 0,
            presentation__study_image__code__iexact=cleaned["image"],
        ).select_related("presentation__sitting__enrolment__study")
        if cleaned["session"]:
            ratings = ratings.filter(presentation__sitting__session=cleaned["session"])
        self.ratings = [
            rating
            for rating in ratings
            if rating.presentation.sitting.enrolment.pseudonym.lower() == cleaned["rater"].lower()
        ]
        if not self.ratings:
            raise forms.ValidationError("This rater has rated no such image.")

    @transaction.atomic
    def save(self) -> str:
        """Carry it out; the sentence says what has changed."""
        reason = self.cleaned_data["reason"]
        count = sum(redact_remark(rating, by=self.by, reason=reason) for rating in self.ratings)
        forget(self.study.pk)
        if not count:
            return "There was no text to take away."
        return f"Taken away in {count} save{'s' if count > 1 else ''}; the study's log says so, and the labels stand."
