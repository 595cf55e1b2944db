"""Slices out of NIfTI and NRRD volumes, lying as a radiologist looks at them: the patient's right on the left, front up."""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.valuerep import DSfloat

from pool.canonical.pixels import Pixels, RefusedImageError, as_levels, check_size
from pool.canonical.texts import cause
from pool.imports.dicom.display import render
from pool.imports.dicom.geometry import squared
from pool.imports.dicom.kind import BY_PERSON
from pool.imports.dicom.value_file import value_file
from pool.imports.notes import Note, Notes
from pool.imports.volumetric import slices

MAX_VOLUME = 2**30
HEAD = 352
LEAST_AIR = -400
NIFTI_1, NIFTI_2 = {b"n+1\0", b"ni1\0"}, {b"n+2\0", b"ni2\0"}
MARK_1, MARK_2 = slice(344, 348), slice(4, 8)
ELSEWHERE = {"data file", "datafile"}
AXES = 3


@dataclass(frozen=True)
class Volume:
    """Values (width, height, slices) with x to the patient's left and y to the back; spacing of x and y."""

    values: npt.NDArray[Any]
    spacing: tuple[float, float]


@dataclass(frozen=True)
class VolumeSlice:
    place: int
    pixels: Pixels
    notes: list[Note]
    values: bytes = b""
    """A file of the values behind it, as of a DICOM image; empty for values that are no whole numbers of 16 bits."""


def volume_kind(data: bytes) -> str:
    """NIfTI or NRRD, also inside gzip; empty for anything else."""
    head = data[:HEAD]
    if data[:2] == b"\x1f\x8b":
        try:
            head = zlib.decompressobj(31).decompress(data[: 2**16], HEAD)
        except zlib.error:
            return ""
    if head[MARK_1] in NIFTI_1 or head[MARK_2] in NIFTI_2:
        return "NIfTI"
    return "NRRD" if head.startswith(b"NRRD0") else ""


def decode(
    data: bytes, kind: str, *, choice: str, modality: str, window: str
) -> tuple[list[VolumeSlice], int]:
    """The chosen slices, and how many there are. Raises RefusedImageError."""
    try:
        volume = (_nifti if kind == "NIfTI" else _nrrd)(_unpacked(data))
        return _slices(volume, choice, modality, window)
    except (RefusedImageError, MemoryError):
        raise
    except Exception as error:  # readers of broken volumes raise whatever the file makes them
        raise RefusedImageError(f"The {kind} file is damaged or cut short ({cause(error)}).") from error


def _slices(volume: Volume, choice: str, modality: str, window: str) -> tuple[list[VolumeSlice], int]:
    values = volume.values
    check_size(values.shape[0], values.shape[1])
    number = values.shape[2]
    is_hounsfield = modality == "ct" and float(values.min()) <= LEAST_AIR
    places = slices.selected_places(
        choice, number, lambda place: values[:, :, place], is_hounsfield=is_hounsfield
    )
    is_stack = choice == slices.STACK
    whole_range = (float(values.min()), float(values.max())) if is_stack else None
    selection = []
    for place in places:
        notes = Notes()
        if number > 1:
            notes.add("frames", f"Slice {place + 1} of {number}.")
        if modality == "ct" and not is_hounsfield:
            notes.add("rescale", "The values are no Hounsfield units; no window of the lung was laid on.")
        grey = values[:, :, place].T.astype(np.float64)
        image = render(
            grey,
            Dataset(),
            notes,
            padding=np.zeros(grey.shape, dtype=bool),
            is_hounsfield=is_hounsfield,
            choice=window,
            whole_range=whole_range,
            is_of_stack=is_stack,
        )
        unit = squared(image.unit, volume.spacing[1] / volume.spacing[0], notes)
        pixels = as_levels(unit * 65535, bits=16)
        value_bytes = _value_file(grey, modality, volume.spacing)
        selection.append(VolumeSlice(place, pixels, list(notes), value_bytes))
    return selection, number


def _value_file(grey: npt.NDArray[np.float64], modality: str, spacing: tuple[float, float]) -> bytes:
    """The slice, (rows, columns), as a DICOM file whose values are what the volume says they are."""
    whole_numbers = np.rint(grey)
    if not np.array_equal(whole_numbers, grey):
        return b""
    header = Dataset()
    header.BitsAllocated = header.BitsStored = 16
    header.PixelRepresentation = 1
    header.RescaleSlope, header.RescaleIntercept = 1, 0
    header.PixelSpacing = [DSfloat(width, auto_format=True) for width in reversed(spacing)]
    return value_file(whole_numbers.astype(np.int64), header, BY_PERSON.get(modality, "OT"))


def _unpacked(data: bytes) -> bytes:
    if data[:2] != b"\x1f\x8b":
        return data
    engine = zlib.decompressobj(31)
    unpacked = engine.decompress(data, MAX_VOLUME)
    if engine.unconsumed_tail:
        raise RefusedImageError(f"The volume unpacks to more than {MAX_VOLUME // 2**20} MB.")
    if not engine.eof:
        raise RefusedImageError("The volume is damaged or cut short: its gzip has no end.")
    return unpacked


def _nifti(data: bytes) -> Volume:
    import nibabel  # for few files only

    library: Any = nibabel  # whose types are its own
    kind = library.Nifti2Image if data[MARK_2] in NIFTI_2 else library.Nifti1Image
    image = kind.from_bytes(data)
    if any(extent != 1 for extent in image.shape[AXES:]) or image.get_data_dtype().kind not in "iuf":
        raise RefusedImageError("The NIfTI file holds more than one volume, or colour.")
    check_size(image.shape[0], image.shape[1])
    image = library.as_closest_canonical(image)
    values = np.asarray(image.dataobj).reshape(image.shape[:AXES] + (1,) * (AXES - len(image.shape[:AXES])))
    zooms = [float(zoom) for zoom in image.header.get_zooms()[:2]]
    # Canonical is to the right and to the front; a screen shows the patient's right on its left and the front on top.
    return Volume(_finite(values)[::-1, ::-1], _spacing(zooms))


def _nrrd(data: bytes) -> Volume:
    import nrrd  # for few files only

    stream = io.BytesIO(data)
    header = nrrd.read_header(stream)
    if ELSEWHERE & set(header):
        raise RefusedImageError("The NRRD file keeps its pixels in another file; save it with its pixels.")
    sizes = [int(size) for size in header["sizes"]]
    if len(sizes) not in {2, AXES} or int(np.prod(sizes, dtype=np.int64)) * 8 > MAX_VOLUME:
        raise RefusedImageError("The NRRD file holds no volume of grey, or one that is too large.")
    values = nrrd.read_data(header, stream)
    values = values.reshape(values.shape + (1,) * (AXES - values.ndim))
    directions = np.asarray(header.get("space directions", np.eye(AXES)), dtype=np.float64)[:AXES, :AXES]
    space = str(header.get("space", "left-posterior-superior")).lower()
    for axis, word, short in ((0, "left", "l"), (1, "posterior", "p")):
        towards = word in space or (space[axis : axis + 1] == short and "-" not in space)
        along = directions[axis, axis] if axis < len(directions) else 1.0
        if towards == (along < 0):
            values = np.flip(values, axis)
    spacing = [float(np.linalg.norm(row)) for row in directions[:2]] or [
        float(s) for s in header.get("spacings", [1, 1])[:2]
    ]
    return Volume(_finite(values), _spacing(spacing))


def _finite(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if values.dtype.kind != "f" or bool(np.isfinite(values).all()):
        return values
    inside = values[np.isfinite(values)]
    if not inside.size:
        raise RefusedImageError("The volume holds no numbers.")
    low, high = float(inside.min()), float(inside.max())
    return np.asarray(np.nan_to_num(values, nan=low, posinf=high, neginf=low))


def _spacing(values: list[float]) -> tuple[float, float]:
    if (
        len(values) < 2
        or not all(np.isfinite(value) and value > 0 for value in values)
        or not 1 / 8 <= values[1] / values[0] <= 8
    ):
        return 1.0, 1.0
    return values[0], values[1]
