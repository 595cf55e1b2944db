"""Second questions as fields of a rater's answer, checked by what the study declares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rating.studies.second_questions import LONGEST_TEXT, Kind, SecondQuestion

SECOND = "second_"  # before a question's code, in the name of its field


class FieldRules(TypedDict):
    """What all kinds of fields take alike."""

    required: bool
    error_messages: dict[str, str]


@dataclass(frozen=True, slots=True)
class SecondField:
    """A second question beside what stands in the form, as texts."""

    question: SecondQuestion
    values: list[str]

    @property
    def name(self) -> str:
        return f"{SECOND}{self.question.code}"

    @property
    def words(self) -> str:
        """In the reader's language where they are those that a template proposes."""
        return gettext(self.question.words)

    @property
    def value(self) -> str:
        return self.values[0] if self.values else ""

    @property
    def has_digits(self) -> bool:
        return self.question.kind in {Kind.CHOICE, Kind.MULTIPLE, Kind.SCALE}

    @property
    def input_type(self) -> str:
        return "checkbox" if self.question.kind == Kind.MULTIPLE else "radio"

    @property
    def options(self) -> list[str]:
        """What may be chosen: the choices, or the steps of a scale."""
        if self.question.kind == Kind.SCALE:
            return [str(step) for step in self.question.scale]
        return list(self.question.choices)


def second_fields(questions: Sequence[SecondQuestion]) -> dict[str, forms.Field]:
    """By name, a field for each question."""
    return {f"{SECOND}{question.code}": _field(question) for question in questions}


def in_words(value: Any) -> list[str]:
    """A field's value as the texts that a page holds it by."""
    if value in (None, "", []):
        return []
    values = value if isinstance(value, list) else [value]
    return [f"{each:g}" if isinstance(each, float) else str(each) for each in values]


def _field(question: SecondQuestion) -> forms.Field:
    unanswered = _("Answer “%(words)s”, too.") % {"words": _(question.words)}
    wrong = _("“%(words)s” does not take this answer.") % {"words": _(question.words)}
    how: FieldRules = {
        "required": question.required,
        "error_messages": {
            name: unanswered if name == "required" else wrong
            for name in (
                "required",
                "invalid",
                "invalid_choice",
                "invalid_list",
                "min_value",
                "max_value",
                "max_length",
            )
        },
    }
    if question.kind == Kind.CHOICE:
        return forms.ChoiceField(choices=[(choice, choice) for choice in question.choices], **how)
    if question.kind == Kind.MULTIPLE:
        return forms.MultipleChoiceField(choices=[(choice, choice) for choice in question.choices], **how)
    if question.kind == Kind.SCALE:
        steps = [(step, str(step)) for step in question.scale]
        return forms.TypedChoiceField(choices=steps, coerce=int, empty_value=None, **how)
    if question.kind == Kind.NUMBER:
        return forms.FloatField(min_value=question.least, max_value=question.most, **how)
    return forms.CharField(max_length=LONGEST_TEXT, **how)
