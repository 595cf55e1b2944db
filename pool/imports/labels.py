"""What is said about each file before anybody looks at it: nothing, its folder's name, or a row of a CSV."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Protocol

from pool.canonical.texts import line
from pool.imports.notes import Note

VALIDATION = ("val", "valid", "validation", "dev")
SPLITS = {
    **dict.fromkeys(("train", "training", *VALIDATION), "train"),
    **dict.fromkeys(("test", "testing"), "test"),
}
# Folders that say how an image is kept, not what is seen in it.
NEUTRAL = {"images", "image", "imgs", "img", "pictures", "png", "jpg", "jpeg", "dicom", "dcm", "data"}
MASKS = {"masks", "mask", "lung masks", "lung_masks", "segmentations", "infection masks"}
MAX_LABEL = 300
# Of a table that tells of more files than came along, as one of a whole collection does: no fault of any file.
ROW_WITHOUT_FILE = "The CSV has a row for this file, but the file is not there."


class BadSourceError(ValueError):
    """Nothing can be imported from this; the message is one sentence."""


class NoRowError(ValueError):
    """This file has no usable row in the CSV; the message is one sentence."""


@dataclass(frozen=True)
class Facts:
    """What is known of a file besides its pixels."""

    label: str = ""
    patient: str = ""
    split: str = ""
    view: str = ""
    licence: str = ""
    notes: tuple[Note, ...] = ()
    readers: dict[str, str] = field(default_factory=dict)
    site: str = ""
    sex: str = ""
    age_band: str = ""
    columns: dict[str, str] = field(default_factory=dict)  # that whoever imports asked to keep


class Labels(Protocol):
    def of(self, name: str) -> Facts:
        """The facts for the file of this path inside the source. Raises NoRowError."""
        ...

    def unused(self) -> list[str]:
        """Names that were described and never asked for."""
        ...


class NoLabels:
    def of(self, name: str) -> Facts:
        return Facts()

    def unused(self) -> list[str]:
        return []


class FolderLabels:
    """The innermost folder is the label; one called train or test is the split, and one called images says nothing.

    Several folders given at once are themselves the labels of what lies in them.
    """

    def of(self, name: str) -> Facts:
        folders = [line(part) for part in PurePosixPath(name).parts[:-1]]
        split, notes = split_of(split_folder(name))
        classes = [part for part in folders if part.lower() not in SPLITS]
        if classes and classes[-1].lower() in MASKS:
            raise NoRowError("The file lies in a folder of masks, which are no images.")
        while len(classes) > 1 and classes[-1].lower() in NEUTRAL:
            classes.pop()
        label = classes[-1] if classes else ""
        if len(label) > MAX_LABEL:
            raise NoRowError(f"The folder's name is longer than {MAX_LABEL} letters.")
        return Facts(label=label, split=split, notes=notes)

    def unused(self) -> list[str]:
        return []


def split_folder(name: str) -> str:
    """The folder of a file's path that names a split, empty where none does."""
    folders = PurePosixPath(name).parts[:-1]
    return next((part for part in folders if part.lower() in SPLITS), "")


def split_of(word: str) -> tuple[str, tuple[Note, ...]]:
    """The split that a folder or a table calls so, and a note where this is another's third one."""
    if word.casefold() not in VALIDATION:
        return SPLITS.get(word.casefold(), ""), ()
    return "train", (Note("split", f"“{word}” counts as train here: models may be trained on this image."),)


def joined(findings: Iterable[str]) -> str:
    """Several findings as one label, each once, a pipe between them; a pipe inside one parts it."""
    parts = (line(part) for finding in findings for part in finding.split("|"))
    return "|".join(dict.fromkeys(part for part in parts if part))
