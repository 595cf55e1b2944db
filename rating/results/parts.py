"""A part of a study: modality, finding, generator, session, group of raters, remarks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode

import numpy as np

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
    def numbers(self) -> str:
        """How a study's cache names the numbers of this part."""
        return f"numbers|{self.query}"

    @classmethod
    def of_query(cls, query: str) -> Part:
        """The part that `query` names."""
        chosen = dict(parse_qsl(query))
        session = chosen.pop("session", None)
        return cls(**chosen, session=int(session) if session else None)

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
