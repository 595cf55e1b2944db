"""From modality values to what a screen shows: DICOM's tables, windows and ranges, where they can be believed.

PS3.3 C.11.1 (modality), C.11.2 (VOI), C.11.6 (presentation). What cannot be believed is left out, with a note.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from pool.canonical.window_words import OTHER_FUNCTIONS
from pool.imports.dicom.headers import items, number, numbers, text
from pool.imports.dicom.terms import window_word
from pool.imports.notes import Notes

Floats = npt.NDArray[np.float64]
Values = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]

# By name, in Hounsfield units; that of the lung is also what a CT without a window of its own gets.
NAMED_WINDOWS = {"lung": (-600.0, 1500.0), "mediastinum": (40.0, 400.0), "bone": (400.0, 1800.0)}
LUNG_WORDS = ("LUNG", "PULMO", "POUMON", "POLMON", "PULMÓN", "THORAX_W", "LUNGE")
LEAST_SPREAD = (
    0.08  # of the scale, between the 5th and the 95th percentile, or a window shows next to nothing
)
WIDE_GAP = 0.25  # of the range: a value so far from all others is no tissue


@dataclass(frozen=True)
class Window:
    """Centre and width; `source` says where they come from."""

    centre: float
    width: float
    source: str

    def __str__(self) -> str:
        return f"{self.centre:g}/{self.width:g} ({self.source})"


@dataclass(frozen=True)
class Rendering:
    """What a screen shows on a scale from 0 to 1, and by what it came about, in words."""

    unit: Floats
    by: str


def modality_values(stored: Values, dataset: Dataset, notes: Notes) -> tuple[Floats, bool]:
    """Values after the modality table or rescale, and whether the header names either."""
    for item in items(dataset, "ModalityLUTSequence")[:1]:
        table = lookup_table(item)
        if table is not None:
            return _looked_up(stored, table), True
        notes.add("table", "The modality table of the file is empty or cut short; it was left out.")
    slope, intercept = _rescale(dataset, "RescaleSlope", notes), _rescale(dataset, "RescaleIntercept", notes)
    if slope == 0:
        notes.add("rescale", "The rescale slope is 0, which makes every image even; 1 was taken.")
        slope = 1.0
    values = stored.astype(np.float64) * (1.0 if slope is None else slope) + (intercept or 0.0)
    return values, slope is not None or intercept is not None


def _rescale(dataset: Dataset, keyword: str, notes: Notes) -> float | None:
    values = numbers(dataset, keyword)
    if values is None:
        notes.add("rescale", f"{keyword} of the file is no number; it was left out.")
    return values[0] if values else None


def padding_of(stored: Values, dataset: Dataset) -> Mask:
    """(rows, columns): True where the header says that a pixel is padding."""
    ends = padding_ends(dataset)
    if ends is None:
        return np.zeros(stored.shape, dtype=bool)
    mask = np.asarray((stored >= min(ends)) & (stored <= max(ends)))
    return np.zeros(stored.shape, dtype=bool) if mask.all() else mask


def padding_ends(dataset: Dataset) -> tuple[float, float] | None:
    """The stored values between which a pixel is padding; None where the header names none."""
    value, limit = number(dataset, "PixelPaddingValue"), number(dataset, "PixelPaddingRangeLimit")
    if value is None:
        return None
    return _as_stored(value, dataset), _as_stored(value if limit is None else limit, dataset)


def _as_stored(value: float, dataset: Dataset) -> float:
    """The padding value as the pixels have it: it is often written with the other sign rule."""
    bits = int(dataset.BitsAllocated)
    if int(dataset.PixelRepresentation) and value >= 1 << (bits - 1):
        return value - (1 << bits)
    if not int(dataset.PixelRepresentation) and value < 0:
        return value + (1 << bits)
    return value


def _range(inside: Floats, notes: Notes) -> tuple[float, float]:
    """The lowest and highest value, but for one at an end that stands all alone, as undeclared padding does."""
    levels = np.unique(inside)
    low, high = float(levels[0]), float(levels[-1])
    if len(levels) < 3:
        return low, high
    gap = WIDE_GAP * (high - low)
    inner = (
        float(levels[1]) if levels[1] - low > gap else low,
        float(levels[-2]) if high - levels[-2] > gap else high,
    )
    if inner != (low, high):
        notes.add("padding", "A value far from all others, as of padding, was left out of the range.")
    return inner


def render(
    values: Floats,
    dataset: Dataset,
    notes: Notes,
    *,
    padding: Mask,
    is_hounsfield: bool,
    choice: str = "",
    whole_range: tuple[float, float] | None = None,
    is_of_stack: bool = False,
) -> Rendering:
    """The image by the VOI table, a window or the range; what shows next to nothing gives way to the next.

    `choice` is a person's: a name of `NAMED_WINDOWS`, range, or CENTRE/WIDTH. `whole_range` is the range of values without a window
    where the bits say it. Of a stack the first window is taken whatever it shows of one slice: all slices have the same.
    """
    inside = values[~padding] if padding.any() else values.ravel()
    if choice in {"", "file"}:
        table = _through_table(values, dataset, notes)
        if table is not None and (is_of_stack or _tells(table, padding)):
            return Rendering(table, "table in the file")
    for window in _windows(dataset, notes, is_hounsfield=is_hounsfield, choice=choice):
        unit = _through_window(values, window, dataset)
        if is_of_stack or _tells(unit, padding) or window.source == "chosen" or inside.min() == inside.max():
            function = _voi_function(dataset)
            return Rendering(unit, f"{window}, {function}" if function in OTHER_FUNCTIONS else str(window))
        notes.add("window", f"The window {window} shows next to nothing of these values; it was left out.")
    if padding.any():
        notes.add("padding", "Padding was left out of the range.")
    low, high = whole_range or _range(inside, notes)
    return Rendering(np.clip((values - low) / max(high - low, 1e-9), 0, 1), "whole range")


def is_inverted(dataset: Dataset, notes: Notes) -> bool:
    """Whether low values are to be bright: MONOCHROME1, or a presentation that turns the image round."""
    photometric, shape = (
        text(dataset, "PhotometricInterpretation"),
        text(dataset, "PresentationLUTShape").upper(),
    )
    if photometric == "MONOCHROME1":
        if shape == "IDENTITY":
            notes.add("inverted", "The file is MONOCHROME1 and says IDENTITY; it was shown as MONOCHROME1.")
        return True
    if shape == "INVERSE":
        notes.add("inverted", "The file says that its image is to be shown inverse; it was.")
        return True
    return False


def _tells(unit: Floats, padding: Mask) -> bool:
    """Whether what is shown uses enough of the scale for something to be seen."""
    inside = unit[~padding] if padding.any() else unit
    low, high = np.percentile(inside, (5, 95))
    return float(high - low) >= LEAST_SPREAD or float(inside.max() - inside.min()) >= 0.5


def _windows(dataset: Dataset, notes: Notes, *, is_hounsfield: bool, choice: str) -> list[Window]:
    """The windows to try in turn."""
    if choice == "range":
        return []
    if choice in NAMED_WINDOWS:
        return [Window(*NAMED_WINDOWS[choice], choice)] if is_hounsfield else []
    lung = [Window(*NAMED_WINDOWS["lung"], "lung")] if is_hounsfield else []
    if choice not in {"", "file"}:
        centre, _, width = choice.partition("/")
        return [Window(float(centre), float(width), "chosen")]
    offered = _offered(dataset, notes)
    if is_hounsfield and len(offered) > 1:
        best = next((window for window in offered if _is_lung(window)), offered[0])
        if best is not offered[0]:
            notes.add("window", f"Of {len(offered)} windows of the file that of the lung was taken: {best}.")
        offered = [best]
    elif len(offered) > 1:
        notes.add("window", f"Of {len(offered)} windows of the file the first was taken.")
    return [*offered[:1], *lung]


def _is_lung(window: Window) -> bool:
    if any(word in window.source.upper() for word in LUNG_WORDS):
        return True
    return -1000 <= window.centre <= -300 and window.width >= 800


def _offered(dataset: Dataset, notes: Notes) -> list[Window]:
    centres, widths = numbers(dataset, "WindowCenter"), numbers(dataset, "WindowWidth")
    if centres is None or widths is None:
        notes.add("window", "The window of the file is no number; it was left out.")
        return []
    if len(centres) != len(widths):
        notes.add(
            "window",
            "The file names more centres than widths, or fewer; what has no other half was left out.",
        )
    words = text(dataset, "WindowCenterWidthExplanation").strip("[]").replace("'", "").split(",")
    windows = []
    for place, (centre, width) in enumerate(zip(centres, widths, strict=False)):
        word = window_word(words[place].strip()) if place < len(words) else ""
        if width >= 1 or (width > 0 and _voi_function(dataset) != "LINEAR"):
            windows.append(Window(centre, width, f"file, {word}" if word else "file"))
        else:
            notes.add("window", f"A window of the file is {width:g} wide; it was left out.")
    return windows


def _voi_function(dataset: Dataset) -> str:
    return text(dataset, "VOILUTFunction").upper() or "LINEAR"


def _through_window(values: Floats, window: Window, dataset: Dataset) -> Floats:
    """PS3.3 C.11.2.1.2 and .3: the three VOI functions, on a scale from 0 to 1."""
    centre, width = window.centre, window.width
    function = _voi_function(dataset)
    if function == "SIGMOID":
        return np.asarray(1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -700, 700))))
    if function == "LINEAR_EXACT" or width < 2:
        low, high = centre - width / 2, centre + width / 2
    else:
        low, high = centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2
    return np.clip((values - low) / max(high - low, 1e-9), 0, 1)


def _through_table(values: Floats, dataset: Dataset, notes: Notes) -> Floats | None:
    for item in items(dataset, "VOILUTSequence")[:1]:
        table = lookup_table(item)
        if table is None:
            break
        bits, mapped = table[2], _looked_up(values, table)
        # Some writers say 16 where the table has 8 or 12 bits: the table itself knows better.
        top = max(float(mapped.max()), 1.0)
        return np.asarray(mapped / min(2.0**bits - 1, 2.0 ** np.ceil(np.log2(top + 1)) - 1))
    if "VOILUTSequence" in dataset:
        notes.add("table", "The VOI table of the file is empty or cut short; it was left out.")
    return None


def lookup_table(item: Dataset) -> tuple[int, Floats, int] | None:
    """First value, entries and bits of a lookup table; None for one that cannot be used."""
    descriptor = numbers(item, "LUTDescriptor")
    data = item.get("LUTData")
    if not descriptor or len(descriptor) < 3 or data is None:
        return None
    count, first, bits = int(descriptor[0]) or 2**16, int(descriptor[1]), int(descriptor[2])
    if isinstance(data, bytes):
        wide = len(data) >= 2 * count
        entries = np.frombuffer(data[: 2 * count] if wide else data[:count], dtype="<u2" if wide else "u1")
    else:
        entries = np.atleast_1d(np.asarray(data)).astype(np.int64) & 0xFFFF
    if (
        len(entries) < count
        or count < 2
        or not 1 <= bits <= 16
        or entries[:count].min() == entries[:count].max()
    ):
        return None
    return first, entries[:count].astype(np.float64), bits


def _looked_up(values: Values, table: tuple[int, Floats, int]) -> Floats:
    first, entries, _bits = table
    if first >= 2**15 and float(values.min()) < 0:
        first -= 2**16  # where the values have a sign, so has the first of them, whatever it was written as
    return entries[np.clip(np.rint(values).astype(np.int64) - first, 0, len(entries) - 1)]
