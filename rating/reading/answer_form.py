"""What a rater's browser sends with one save: the answer, and how it came to be."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from rating.reading.draft import DraftContent
from rating.reading.marks import clean_marks, marks_of
from rating.reading.rating import AnswerFields
from rating.reading.second_fields import SECOND, SecondField, in_words, second_fields
from rating.reading.slices import clean_slice_times
from rating.studies.second_questions import SecondAnswer
from rating.studies.sittings.sitting import Sitting

CONFIDENCE = range(1, 6)
# More is a clock gone wrong, not a rater who was offline.
LONGEST_AGO = timedelta(days=30)
# Largest zoom, number of window changes, the last window, whether inverted or flipped; the times of up to 500 slices, marks.
VIEW_STATE_SIZE = 8000


class AnswerForm(forms.Form):
    """One rater's word on one image."""

    label = forms.ChoiceField()
    confidence = forms.TypedChoiceField(
        choices=[(step, str(step)) for step in CONFIDENCE], coerce=int, empty_value=None, required=False
    )
    reasons = forms.MultipleChoiceField(required=False)
    remark = forms.CharField(required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 3}))
    client_key = forms.UUIDField(initial=uuid.uuid4, widget=forms.HiddenInput)
    replaces = forms.UUIDField(required=False, widget=forms.HiddenInput)
    correction_reason = forms.CharField(required=False, max_length=400)
    account = forms.CharField(required=False)
    active_ms = forms.IntegerField(required=False, min_value=0)
    idle_ms = forms.IntegerField(required=False, min_value=0)
    view_state = forms.CharField(required=False, max_length=VIEW_STATE_SIZE)
    shown_ms_ago = forms.IntegerField(required=False, min_value=0)
    showing = forms.CharField(required=False, max_length=32)
    after = forms.IntegerField(required=False, min_value=0)

    def __init__(self, *args: Any, sitting: Sitting, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.question = sitting.question
        self.study = study = sitting.enrolment.study
        self.asks_correction_reason = study.ask_correction_reason
        confidence = self.fields["confidence"]
        confidence.required = study.ask_confidence and study.require_confidence
        confidence.error_messages["required"] = _("Say how sure you are.")
        self.reasons_offered = study.reason_list if self.question.explained else []
        label, reasons = self.fields["label"], self.fields["reasons"]
        assert isinstance(label, forms.ChoiceField) and isinstance(reasons, forms.ChoiceField)  # noqa: S101, PT018  both are
        label.choices = [(choice.value, choice.word) for choice in self.question.choices]
        label.error_messages["required"] = self.question.please_choose
        reasons.choices = [(reason, reason) for reason in self.reasons_offered]
        self.second_questions = sitting.second_questions
        self.fields.update(second_fields(self.second_questions))
        # As one mapping a rating, a draft and the browser have them; a form has a field for each.
        for code, value in (self.initial.get("second") or {}).items():
            self.initial[f"{SECOND}{code}"] = value

    def clean(self) -> None:
        super().clean()
        cleaned = self.cleaned_data
        if self.asks_correction_reason and cleaned.get("replaces") and not cleaned.get("correction_reason"):
            self.add_error("correction_reason", _("Say why you change this answer."))

    def draft(self) -> DraftContent:
        """What of it can be kept unsaved: whatever stands there, whole or not."""
        data = self.cleaned_data
        return {
            "label": data.get("label") or "",
            "confidence": data.get("confidence"),
            "reasons": data.get("reasons") or [],
            "remark": data.get("remark") or "",
            "second": self._second(),
            "marks": marks_of(data.get("view_state") or {}),
        }

    def _second(self, *, texts: bool | None = None) -> dict[str, SecondAnswer]:
        """The second answers there are, by code; `texts`: free text alone, or all but that."""
        return {
            question.code: value
            for question in self.second_questions
            if texts in {None, question.is_text}
            and (value := self.cleaned_data.get(f"{SECOND}{question.code}")) not in (None, "", [])
        }

    def second(self) -> list[SecondField]:
        """Each second question with what stands in the form, to be shown."""
        return [
            SecondField(question, in_words(self[f"{SECOND}{question.code}"].value()))
            for question in self.second_questions
        ]

    def clean_view_state(self) -> dict[str, object]:
        text = self.cleaned_data["view_state"] or "{}"
        try:
            if "\\u" in text:
                raise ValueError("PostgreSQL takes no NUL and no half letter")
            view_state = json.loads(text)
            json.dumps(view_state, allow_nan=False)
        except ValueError as error:
            raise forms.ValidationError("The view's state must be JSON.") from error
        if not isinstance(view_state, dict):
            return {}
        return clean_marks(clean_slice_times(view_state, self.study), self.study)

    def answer(self) -> AnswerFields:
        """The fields of a rating; reasons belong to one label alone."""
        data = self.cleaned_data
        return {
            "label": data["label"],
            "confidence": data["confidence"],
            "remark": data["remark"],
            "reasons": data["reasons"] if data["label"] == self.question.explained else [],
            "active_ms": _at_most_long_ago(data["active_ms"]),
            "idle_ms": _at_most_long_ago(data["idle_ms"]),
            "view_state": data["view_state"],
            "second_answers": self._second(texts=False),
            "second_texts": {code: str(text) for code, text in self._second(texts=True).items()},
        }

    def shown_ago(self) -> timedelta:
        return timedelta(milliseconds=_at_most_long_ago(self.cleaned_data["shown_ms_ago"]) or 0)


def _at_most_long_ago(milliseconds: int | None) -> int | None:
    """A clock gone wrong must not cost the rater the answer."""
    return None if milliseconds is None else min(milliseconds, LONGEST_AGO // timedelta(milliseconds=1))
