"""Numbers and texts out of DICOM headers as they are, not as the standard wants them.

Empty elements, decimal commas, several values where one belongs, and the functional groups of enhanced objects.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from pydicom.datadict import dictionary_has_tag, dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.uid import UID

NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
# Of each group sequence of an enhanced object, the one with what is looked up on top in a classic object.
GROUPS = (
    "PixelValueTransformationSequence",
    "FrameVOILUTSequence",
    "PixelMeasuresSequence",
    "CTPixelValueTransformationSequence",
    "PixelIntensityRelationshipLUTSequence",
)
NATIVE = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"}
ENCAPSULATED = b"\xfe\xff\x00\xe0"
ITEM_HEAD = 8


def text(dataset: Dataset, keyword: str) -> str:
    """The element as text, empty where it is missing, empty or unreadable."""
    try:
        value = dataset.get(keyword)
    except Exception:  # whatever an odd value makes the reader raise
        return ""
    return "" if value is None else str(value).replace("\x00", "").strip()


def numbers(dataset: Dataset, keyword: str) -> list[float] | None:
    """The element's numbers; empty where it is missing or empty, None where it holds something else."""
    parts = list(_parts(dataset, keyword))
    values = []
    for part in parts:
        if isinstance(part, int | float) and not isinstance(part, bool):
            value = float(part)
        elif NUMBER.fullmatch(written := str(part).replace("\x00", "").strip()):
            value = float(written.replace(",", "."))
        else:
            return None
        if not math.isfinite(value):
            return None
        values.append(value)
    return values


def number(dataset: Dataset, keyword: str) -> float | None:
    """The first of the element's numbers, None where there is none."""
    values = numbers(dataset, keyword)
    return values[0] if values else None


def integer(dataset: Dataset, keyword: str, *, default: int) -> int:
    value = number(dataset, keyword)
    return default if value is None else int(value)


def adopt_groups(dataset: Dataset, frame: int = 0) -> None:
    """Put what an enhanced object says of one frame on top, where a classic object says it."""
    groups = [
        *items(dataset, "SharedFunctionalGroupsSequence")[:1],
        *items(dataset, "PerFrameFunctionalGroupsSequence")[frame : frame + 1],
    ]
    for group in groups:
        for name in GROUPS:
            for inner in items(group, name)[:1]:
                for tag in list(inner.keys()):
                    dataset[tag] = inner.get_item(tag)


def items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """The datasets of a sequence; none where it is missing or cannot be read."""
    try:
        return list(dataset.get(keyword) or [])
    except Exception:  # a sequence that cannot be read is none
        return []


def transfer_syntax_of(dataset: Dataset) -> UID:
    """The transfer syntax: the one named, or what the bytes show where none is."""
    uid = str(getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", "") or "")
    pixels = bytes(dataset.get("PixelData") or b"")[:8]
    is_plain = uid in NATIVE and len(dataset.get("PixelData") or b"") < _plain_length(dataset)
    if uid and not (is_plain and pixels.startswith(ENCAPSULATED)):
        return UID(uid)
    if pixels.startswith(ENCAPSULATED):
        return UID(_syntax_of_stream(_first_fragment(bytes(dataset.PixelData))))
    implicit, little = dataset.original_encoding
    if little is False:
        return UID("1.2.840.10008.1.2.2")
    return UID("1.2.840.10008.1.2" if implicit is not False else "1.2.840.10008.1.2.1")


def _plain_length(dataset: Dataset) -> int:
    sizes = (integer(dataset, name, default=1) for name in ("Rows", "Columns", "SamplesPerPixel"))
    return math.prod(sizes) * integer(dataset, "BitsAllocated", default=8) // 8


def _first_fragment(data: bytes) -> bytes:
    place = 0
    while data[place : place + 4] == ENCAPSULATED:
        length = int.from_bytes(data[place + 4 : place + ITEM_HEAD], "little")
        fragment = data[place + ITEM_HEAD : place + ITEM_HEAD + length]
        place += ITEM_HEAD + length
        if place > length + ITEM_HEAD:  # the first item is the table of offsets
            return fragment
    return b""


def _syntax_of_stream(stream: bytes) -> str:
    """The transfer syntax that a compressed stream needs; RLE has no mark of its own."""
    if stream.startswith(b"\xff\x4f"):
        return "1.2.840.10008.1.2.4.201" if b"\xff\x50" in stream[:200] else "1.2.840.10008.1.2.4.90"
    if not stream.startswith(b"\xff\xd8"):
        return "1.2.840.10008.1.2.5"
    frames = {0xC0: "50", 0xC1: "51", 0xC3: "70", 0xF7: "80"}
    place = 2
    while place + 4 <= len(stream) and stream[place] == 0xFF:
        if stream[place + 1] in frames:
            return f"1.2.840.10008.1.2.4.{frames[stream[place + 1]]}"
        place += 2 + int.from_bytes(stream[place + 2 : place + 4], "big")
    return "1.2.840.10008.1.2.4.50"


def _parts(dataset: Dataset, keyword: str) -> Iterator[Any]:
    tag = tag_for_keyword(keyword)
    if tag is None or tag not in dataset:
        return
    element = dataset.get_item(tag)
    if (
        isinstance(element, RawDataElement)
        and _representation(element) in {"DS", "IS"}
        and _is_text(element.value)
    ):
        yield from (
            part for part in (element.value or b"").decode("latin-1").split("\\") if part.strip(" \0")
        )
        return
    try:
        value = dataset[tag].value
    except Exception:  # whatever an odd value makes the reader raise
        yield from ("unreadable",)
        return
    if value is None or (isinstance(value, str | bytes) and not value.strip()):
        return
    several = isinstance(value, list | tuple) or type(value).__name__ == "MultiValue"
    yield from (part for part in (value if several else [value]) if part not in (None, ""))


def _representation(element: RawDataElement) -> str:
    """The value representation as the file has it, or the dictionary where the file is of the implicit kind."""
    if element.VR is not None:
        return str(element.VR)
    return str(dictionary_VR(element.tag)) if dictionary_has_tag(element.tag) else "UN"


def _is_text(value: bytes | None) -> bool:
    return all(byte == 0 or 32 <= byte < 127 for byte in value or b"")
