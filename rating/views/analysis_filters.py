"""Which part of a study an analysis page is about: modality, finding, generator, session, group of raters, remarks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import numpy as np
from django import forms

from rating.results.display_names import KNOWLEDGE, MODALITIES
from rating.statistics.columns import StudyColumns

PER_IMAGE = ("modality", "finding", "generator")
PER_RATER = ("years", "knowledge", "subspecialty")
YEARS = {"0-4": range(5), "5-9": range(5, 10), "10-19": range(10, 20), "20-": range(20, 1000)}
YEARS_IN_WORDS = {"0-4": "0 to 4", "5-9": "5 to 9", "10-19": "10 to 19", "20-": "20 or more"}


@dataclass(frozen=True, slots=True)
class Part:
    """What was chosen; nothing chosen is the whole study, first (informed) session."""

    modality: str = ""
    finding: str = ""
    generator: str = ""
    years: str = ""
    knowledge: str = ""
    subspecialty: str = ""
    text: str = ""
    session: int | None = None  # the first there is

    @property
    def query(self) -> str:
        """The choices as an address says them."""
        chosen = {
            name: getattr(self, name) for name in (*PER_IMAGE, *PER_RATER, "text") if getattr(self, name)
        }
        if self.session:
            chosen["session"] = str(self.session)
        return urlencode(chosen)

    @property
    def whoever(self) -> Part:
        """The same part of the images, whoever read them: machines have no years."""
        return replace(self, years="", knowledge="", subspecialty="")

    def of(self, columns: StudyColumns) -> StudyColumns:
        """Only the chosen ratings; real images stay when one generator is chosen, for it is judged against them."""
        images = np.ones(len(columns.images), dtype=np.bool_)
        for name in PER_IMAGE:
            if choice := getattr(self, name):
                allowed = {choice, ""} if name == "generator" else {choice}
                images &= np.array([value in allowed for value in getattr(columns, name)], dtype=np.bool_)
        raters = np.ones(len(columns.raters), dtype=np.bool_)
        for name, words in of_raters(columns).items():
            if choice := getattr(self, name):
                raters &= np.array([word == choice for word in words], dtype=np.bool_)
        return columns.only(images=images, raters=raters, ratings=columns.has_text if self.text else None)


def of_raters(columns: StudyColumns) -> dict[str, tuple[str, ...]]:
    """What raters said of themselves, years as a band; empty where they did not say."""
    bands = (
        next((band for band, years in YEARS.items() if years_given in years), "")
        for years_given in columns.years
    )
    return {
        "years": tuple(bands),
        "knowledge": columns.knowledge,
        "subspecialty": columns.subspecialty,
    }


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

    def __init__(self, data: Mapping[str, Any], columns: StudyColumns) -> None:
        super().__init__(data)
        sessions = [str(int(number)) for number in np.unique(columns.session)]
        raters = of_raters(columns)
        choices = {
            "modality": [(name, MODALITIES.get(name, name)) for name in _distinct(columns.modality)],
            "finding": [(name, name) for name in _distinct(columns.finding)],
            "generator": [(name, name) for name in _distinct(columns.generator)],
            "years": [(band, YEARS_IN_WORDS[band]) for band in YEARS if band in raters["years"]],
            "knowledge": [(name, KNOWLEDGE.get(name, name)) for name in _distinct(raters["knowledge"])],
            "subspecialty": [(name, name) for name in _distinct(raters["subspecialty"])],
            "session": [(number, number) for number in sessions],
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

    def __init__(self, data: Mapping[str, Any], columns: StudyColumns) -> None:
        super().__init__(data, columns)
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
