"""Second questions in a form: a row of fields for each on a page, the same list as JSON elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from rating.studies.second_questions import MOST_QUESTIONS, Kind

BLANK_ROWS = 2
TEXTS = ("code", "words", "hint")
NUMBERS = ("steps", "least", "most")
TICKS = ("required", "after", "is_diagnosis")


class SecondQuestionsWidget(forms.Widget):
    """Rows named NAME-0-code and so on; a row without words and code is none."""

    template_name = "rating/_second_questions.html"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, object]:
        context = super().get_context(name, value, attrs)
        try:
            stored = json.loads(value) if isinstance(value, str) else value
        except ValueError:
            stored = []
        rows = [row for row in stored or [] if isinstance(row, Mapping)] if isinstance(stored, list) else []
        blank = max(min(BLANK_ROWS, MOST_QUESTIONS - len(rows)), 0)
        context["rows"] = [_texts_of(row) for row in [*rows, *({} for _ in range(blank))]]
        context["kinds"] = Kind.choices
        return context

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        return render_to_string(self.template_name, self.get_context(name, value, attrs))

    def value_from_datadict(self, data: Mapping[str, object], files: Any, name: str) -> Any:
        if name in data:
            value = data[name]
            return value if isinstance(value, str) else json.dumps(value)
        if f"{name}-0-code" not in data:
            return None
        rows = (_row(data, f"{name}-{number}-") for number in range(MOST_QUESTIONS + BLANK_ROWS))
        return json.dumps([row for row in rows if row])

    def value_omitted_from_data(self, data: Mapping[str, object], files: Any, name: str) -> bool:
        return name not in data and f"{name}-0-code" not in data


class SecondQuestionsField(forms.JSONField):
    widget = SecondQuestionsWidget

    def prepare_value(self, value: Any) -> Any:
        """As JSON; what a step of a page has carried along is that already."""
        return value if isinstance(value, str) else super().prepare_value(value)


def _texts_of(row: Mapping[str, object]) -> dict[str, object]:
    """A stored question as its row of fields shows it."""
    lists: dict[str, list[object]] = {
        name: value if isinstance(value := row.get(name), list) else [] for name in ("choices", "sessions")
    }
    return {
        **{name: "" if row.get(name) is None else row[name] for name in (*TEXTS, *NUMBERS)},
        **{name: bool(row.get(name)) for name in TICKS},
        "kind": row.get("kind", Kind.CHOICE),
        "choices": "\n".join(map(str, lists["choices"])),
        "sessions": ", ".join(map(str, lists["sessions"])),
    }


def _row(data: Mapping[str, object], prefix: str) -> dict[str, object]:
    """One row of fields as a question is stored; empty where nothing is asked in it."""
    texts = {name: str(data.get(f"{prefix}{name}", "")).strip() for name in TEXTS}
    if not texts["code"] and not texts["words"]:
        return {}
    return {
        **texts,
        "kind": data.get(f"{prefix}kind", Kind.CHOICE),
        "choices": str(data.get(f"{prefix}choices", "")).splitlines(),
        **{name: _number(str(data.get(f"{prefix}{name}", ""))) for name in NUMBERS},
        **{name: f"{prefix}{name}" in data for name in TICKS},
        "sessions": [
            _number(part) for part in str(data.get(f"{prefix}sessions", "")).split(",") if part.strip()
        ],
    }


def _number(text: str) -> int | float | str | None:
    """What was typed as the number it is; else as it is, which the question's own check refuses in words."""
    text = text.strip()
    if not text:
        return None
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return text
    return int(number) if number.is_integer() else number
