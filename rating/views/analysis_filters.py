"""Which part of a study an analysis page is about: modality, finding, generator, session, group of raters, remarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import numpy as np
from django import forms

from rating.results.display_names import KNOWLEDGE, MODALITIES
from rating.results.parts import YEARS, YEARS_IN_WORDS, Part, of_raters
from rating.statistics.columns import StudyColumns


class PartForm(forms.Form):
    """The choices there are in this study; the finding and the generator only where truth is known."""

    modality = forms.ChoiceField(required=False)
    finding = forms.ChoiceField(required=False)
    generator = forms.ChoiceField(required=False)
    years = forms.ChoiceField(required=False, label="Raters' years of reading")
    knowledge = forms.ChoiceField(required=False, label="Raters' knowledge of AI")
    subspecialty = forms.ChoiceField(required=False, label="Raters' subspecialty")
    session = forms.ChoiceField(required=False)
    text = forms.BooleanField(required=False, label="Only ratings with a remark")

    def __init__(
        self, data: Mapping[str, object], columns: StudyColumns, sessions: Sequence[int] | None = None
    ) -> None:
        """`sessions`: which there are ratings of, where the columns are without ratings."""
        super().__init__(data)
        numbers = np.unique(columns.session) if sessions is None else sessions
        raters = of_raters(columns)
        choices = {
            "modality": [(name, MODALITIES.get(name, name)) for name in _distinct(columns.modality)],
            "finding": [(name, name) for name in _distinct(columns.finding)],
            "generator": [(name, name) for name in _distinct(columns.generator)],
            "years": [(band, YEARS_IN_WORDS[band]) for band in YEARS if band in raters["years"]],
            "knowledge": [(name, KNOWLEDGE.get(name, name)) for name in _distinct(raters["knowledge"])],
            "subspecialty": [(name, name) for name in _distinct(raters["subspecialty"])],
            "session": [(str(int(number)), str(int(number))) for number in numbers],
        }
        for name, options in choices.items():
            if len(options) < 2:
                del self.fields[name]
                continue
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101  all of these are
            field.choices = options if name == "session" else [("", "All"), *options]

    def part(self) -> Part:
        """What was chosen; a choice that does not exist is no choice."""
        self.is_valid()
        chosen = {name: value for name, value in self.cleaned_data.items() if value}
        session = chosen.pop("session", None)
        return Part(
            **chosen
            | {"session": int(session) if session else None, "text": "1" if chosen.get("text") else ""}
        )


class ResponseForm(PartForm):
    """The same where single ratings are looked at: these have a label too, and remarks are what is shown."""

    label = forms.ChoiceField(required=False, label="Label given")

    def __init__(
        self, data: Mapping[str, object], columns: StudyColumns, sessions: Sequence[int] | None = None
    ) -> None:
        super().__init__(data, columns, sessions)
        label_field = self.fields["label"]
        assert isinstance(label_field, forms.ChoiceField)  # noqa: S101  it is declared so above
        label_field.choices = [("", "All"), *((label, label) for label in columns.labels)]

    def part(self) -> Part:
        self.is_valid()
        self.cleaned_data.pop("label", None)
        return super().part()

    def chosen_label(self) -> str:
        """The label that was chosen, empty for all of them."""
        label = self.data.get("label", "")
        field = self.fields["label"]
        return label if isinstance(field, forms.ChoiceField) and field.valid_value(label) else ""

    def query(self) -> str:
        """All that was chosen, as an address says it."""
        label = self.chosen_label()
        return "&".join(filter(None, (self.part().query, urlencode({"label": label}) if label else "")))


def _distinct(names: tuple[str, ...]) -> list[str]:
    return sorted(set(names) - {""})
