"""What is to be known of an image that was taken all the same: a code to filter by and a sentence to read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pool.canonical.texts import line

MAX_SENTENCE = 300

# Code, and what the gallery calls it.
KINDS = {
    "padding": "Padding left out",
    "rescale": "Rescale odd or missing",
    "header": "Header incomplete or odd",
    "window": "Window chosen",
    "table": "Table of the file unusable",
    "bits": "Bits odd",
    "palette": "Palette applied",
    "colour": "Colour turned grey",
    "shape": "Pixels not square",
    "raw": "For processing",
    "modality": "Modality differs",
    "inverted": "Negative, or turned round",
    "alpha": "Transparency",
    "gamma": "Gamma or colour profile",
    "frames": "Part of a file",
    "series": "Slices of its series missing",
    "names": "Name read in another encoding",
    "label": "Finding odd",
    "split": "Validation counted as training",
    "patient": "Placeholder for a patient",
    "columns": "Value of a column cut",
    "release": "Released by a person",
    "marks": "Marked as generated",
}


@dataclass(frozen=True)
class Note:
    """One thing to know of an image; `code` is of KINDS, `text` one sentence."""

    code: str
    text: str

    def as_json(self) -> dict[str, str]:
        return {"code": self.code, "text": line(self.text, most=MAX_SENTENCE)}


@dataclass
class Notes:
    """The notes of one image as they are taken, each once."""

    notes: list[Note] = field(default_factory=list)

    def add(self, code: str, text: str) -> None:
        if code not in KINDS:
            raise KeyError(code)
        note = Note(code, text)
        if note not in self.notes:
            self.notes.append(note)

    def __iter__(self) -> Iterator[Note]:
        return iter(self.notes)


def notes_of_json(entries: Iterable[object]) -> list[Note]:
    """The notes in a decoder's answer. Raises KeyError or TypeError for what are none."""
    notes = []
    for entry in entries:
        if not isinstance(entry, dict):
            raise TypeError("a note is an object")
        notes.append(Note(str(entry["code"]), str(entry["text"])))
    return notes
