"""Decoding in a child process with little memory, little time and nothing to steal.

A hostile file can then break or hang nothing but the child, which is started anew for the next file.
A child is taken on trust in nothing: it is killed when it is late, and it answers in JSON and raw bytes.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from types import TracebackType
from typing import Self

import numpy as np

from pool.canonical.pixels import Pixels, RefusedImageError
from pool.confinement.child import Child, ChildEndedError
from pool.confinement.messages import Head
from pool.imports.notes import Note, notes_of_json

SECONDS_PER_FILE = 15  # well below the time after which a silent job counts as dead
MEMORY_BYTES = 3 * 2**30
MAX_FILE_BYTES = 256 * 2**20
MAX_ANSWER_BYTES = 512 * 2**20
WINDOW_WORDS = ("file", "lung", "mediastinum", "bone", "range")
CHILD = "pool.imports.decoding_child"


@dataclass(frozen=True)
class Decoded:
    """What a file held: canonical pixels, tags that may be kept, the patient's identifier if it named one, notes."""

    pixels: Pixels
    tags: dict[str, str]
    patient_id: str = ""
    notes: list[Note] = field(default_factory=list)
    part: str = ""
    """Which of the file's images it is, in words, where the file holds several."""
    hold_reason: str = ""
    """Why a person must release it before it may be an image of the pool."""
    values: bytes = b""
    """A file of the values behind the image, on which another window can be laid."""
    series: str = ""
    """The identifier of the series it is a slice of, to be hashed at once."""
    position: float = 0.0
    """Where in its series it lies, in mm."""
    lung_share: float | None = None
    """How much of a slice of a series is lung, where its slices are chosen by that and its values tell."""


@dataclass(frozen=True)
class Hints:
    """What is known before a file is opened: whether colour is the finding, what a person says it is, which window."""

    colour: bool = False
    modality: str = ""
    window: str = ""
    slices: str = ""
    may_be_even: bool = False
    """Whether an image of one grey level is handed on, to be counted by whoever asked for it."""
    with_sex_and_age: bool = False
    """Whether sex and band of age are read from a DICOM header."""


WINDOW_SENTENCE = f"A window is {', '.join(WINDOW_WORDS)} or CENTRE/WIDTH, like -600/1500."


def is_window(text: str) -> bool:
    """Whether a text is a person's choice of a window: empty, one of the words, or CENTRE/WIDTH."""
    if text in {"", *WINDOW_WORDS}:
        return True
    centre, _, width = text.partition("/")
    try:
        return math.isfinite(float(centre)) and 1 <= float(width) < math.inf
    except ValueError:
        return False


class Decoder:
    """Decodes files one after another in one child process; use as a context manager."""

    def __init__(self, *, seconds: int = SECONDS_PER_FILE, memory: int = MEMORY_BYTES) -> None:
        self.seconds = seconds
        self._child = Child(CHILD, str(seconds), str(memory), most_answer_bytes=MAX_ANSWER_BYTES)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def decode(self, data: bytes, name: str, hints: Hints = Hints()) -> Decoded:
        """The one image of a file of any allowed type. Raises RefusedImageError, also for what a person must release."""
        decoded = self.decode_all(data, name, hints)[0]
        if decoded.hold_reason:
            raise RefusedImageError(decoded.hold_reason)
        return decoded

    def decode_all(self, data: bytes, name: str, hints: Hints = Hints()) -> list[Decoded]:
        """The images of a file, of which `hints.slices` chooses where it holds several. Raises RefusedImageError."""
        if len(data) > MAX_FILE_BYTES:
            raise RefusedImageError(f"The file is larger than {MAX_FILE_BYTES // 2**20} MB.")
        try:
            reply = self._child.request({"name": name, **asdict(hints)}, data, seconds=self.seconds)
            return _understood(*reply)
        except (ChildEndedError, KeyError, TypeError, ValueError) as error:
            if isinstance(error, RefusedImageError):
                raise
            self.close()
            is_late = isinstance(error, ChildEndedError) and error.is_late
            raise RefusedImageError(self._epitaph(late=is_late)) from error

    @property
    def process_id(self) -> int:
        return self._child.process_id

    def close(self) -> None:
        """End the child; the next file starts another."""
        self._child.close()

    def _epitaph(self, *, late: bool) -> str:
        if late:
            return f"Decoding took longer than {self.seconds} seconds."
        return "The file made the decoder stop; it is damaged or hostile."


def _understood(head: Head, body: bytes) -> list[Decoded]:
    """The child's answer, if it is one. Raises RefusedImageError for what it refused, ValueError and kin for nonsense."""
    if "refused" in head:
        raise RefusedImageError(str(head["refused"]))
    images, place = [], 0
    for entry in head["images"]:
        kind = np.dtype({"uint8": "u1", "uint16": "u2"}[entry["dtype"]])
        size = math.prod(map(int, entry["shape"])) * kind.itemsize
        pixels = np.frombuffer(body[place : place + size], dtype=kind).reshape(entry["shape"])
        place += size
        notes, tags = notes_of_json(entry["notes"]), dict(entry["tags"])
        values = bytes(body[place : place + int(entry["value_bytes"])])
        place += len(values)
        images.append(
            Decoded(
                pixels,
                tags,
                str(entry["patient_id"]),
                notes,
                part=str(entry["part"]),
                hold_reason=str(entry["hold_reason"]),
                values=values,
                series=str(entry["series"]),
                position=float(entry["position"]),
                lung_share=None if entry["lung_share"] is None else float(entry["lung_share"]),
            )
        )
    if not images or place != len(body):
        raise ValueError("an answer of no decoder")
    return images
