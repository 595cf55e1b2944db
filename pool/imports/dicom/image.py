"""DICOM images as canonical pixels, with an allow-list of values, notes on what was odd, and nothing else."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass, field, replace

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut

from pool.canonical.pixels import Pixels, RefusedImageError, as_levels, check_size
from pool.canonical.texts import cause
from pool.canonical.window_words import INVERSE
from pool.imports.dicom.display import Floats, is_inverted, modality_values, padding_of, render
from pool.imports.dicom.geometry import height_over_width, squared
from pool.imports.dicom.headers import adopt_groups, text
from pool.imports.dicom.holding import hold_reason
from pool.imports.dicom.kind import checked_modality, note_kind
from pool.imports.dicom.person import person_tags
from pool.imports.dicom.series import SeriesPlace, series_place
from pool.imports.dicom.stored_values import Stored, frames_of, stored_values
from pool.imports.dicom.terms import kept_values
from pool.imports.dicom.value_file import is_worth_keeping, value_file
from pool.imports.notes import Note, Notes
from pool.imports.volumetric.slices import LUNG, STACK, selected_places, share_of_lung

LEAST_AIR = -400  # Hounsfield units: without values below, a lung window shows nothing
GREY_TOLERANCE = 0.03  # of the scale, between the channels of grey that a lossy JPEG went over
LUMINANCE = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, as Pillow turns colour grey
MARK = slice(128, 132)
NAMES = (".dcm", ".dicom", ".dic", ".ima")
VALUE_REPRESENTATIONS = frozenset(
    b"AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OW PN SH SL SQ SS ST TM UI UL UN US UT".split()
)


@dataclass(frozen=True)
class DicomImage:
    """Canonical pixels, the tags that may be kept, what is to be known, and the patient's identifier, to be hashed at once."""

    pixels: Pixels
    tags: dict[str, str]
    patient_id: str
    place: int = 0
    notes: list[Note] = field(default_factory=list)
    hold_reason: str = ""
    """Why a person must see it before it may be an image of the pool; empty where none need."""
    values: bytes = b""
    """A file of the values behind it (`value_file`); empty where they are no deeper than the image."""
    series: SeriesPlace | None = None
    lung_share: float | None = None
    """Of a slice of a series whose slices are chosen by lung, where its values are Hounsfield units."""


def is_dicom(data: bytes, name: str = "") -> bool:
    """By its mark, by its name, or by how a data set begins where the mark was cut off."""
    return data[MARK] == b"DICM" or name.lower().endswith(NAMES) or _begins_as_data_set(data)


def _begins_as_data_set(data: bytes) -> bool:
    """Whether the first element is of the meta or identifying group, with a likely representation or length."""
    if len(data) < 64 or data[:2] not in {b"\x02\x00", b"\x08\x00", b"\x00\x08"}:
        return False
    big = data[:2] == b"\x00\x08"
    element = int.from_bytes(data[2:4], "big" if big else "little")
    if element > 0x3000:
        return False
    if data[4:6] in VALUE_REPRESENTATIONS:
        return True
    return not big and int.from_bytes(data[4:8], "little") <= 256


def decode(data: bytes, *, modality: str = "", window: str = "", colour: bool = False) -> DicomImage:
    """The image of a file of one frame. Raises RefusedImageError with one sentence."""
    return decode_frames(data, modality=modality, window=window, colour=colour)[0]


def decode_frames(
    data: bytes,
    *,
    modality: str = "",
    window: str = "",
    colour: bool = False,
    choice: str = "",
    with_sex_and_age: bool = False,
) -> list[DicomImage]:
    """The chosen frames with rescale, VOI and inversion applied. Raises RefusedImageError with one sentence.

    `modality` is what a person says of it, `window` a person's choice: one of the words, or CENTRE/WIDTH;
    `choice` says which frames, as in `pool.imports.volumetric.slices`. Sex and band of age are among the tags only
    `with_sex_and_age`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(io.BytesIO(data), force=True)
            images = [
                _image(dataset, modality, window, colour=colour, frame=frame, is_of_stack=choice == STACK)
                for frame in _frames(dataset, modality, choice)
            ]
            if with_sex_and_age and (person := person_tags(dataset)):
                images = [replace(image, tags={**image.tags, **person}) for image in images]
            if choice == LUNG and images[0].series is not None:
                return [replace(images[0], lung_share=_lung_share(dataset, modality))]
            return images
    except RefusedImageError:
        raise
    except NotImplementedError as error:
        raise RefusedImageError("The DICOM file uses a compression this version cannot decode.") from error
    except MemoryError as error:
        raise RefusedImageError("The image needs more memory than decoding may take.") from error
    except Exception as error:  # readers of broken DICOM raise whatever the file makes them
        raise RefusedImageError(f"The DICOM file is damaged or cut short ({cause(error)}).") from error


def _frames(dataset: Dataset, modality: str, choice: str) -> list[int]:
    """The places of the frames to take."""
    kind = checked_modality(dataset, modality, Notes())
    check_size(int(dataset.Columns), int(dataset.Rows))

    def values_of(frame: int) -> Floats:
        return _values(dataset, frame)

    number = frames_of(dataset)
    return selected_places(choice, number, values_of, is_hounsfield=kind == "CT")


def _values(dataset: Dataset, frame: int) -> Floats:
    adopt_groups(dataset, frame)
    return modality_values(stored_values(dataset, frame, Notes()), dataset, Notes())[0]


def _lung_share(dataset: Dataset, modality: str) -> float | None:
    if checked_modality(dataset, modality, Notes()) != "CT":
        return None
    return share_of_lung(_values(dataset, 0))


def _image(
    dataset: Dataset, modality: str, window: str, *, colour: bool, frame: int, is_of_stack: bool
) -> DicomImage:
    notes = Notes()
    kind, hold = checked_modality(dataset, modality, notes), hold_reason(dataset)
    check_size(int(dataset.Columns), int(dataset.Rows))
    if (number := frames_of(dataset)) > 1:
        notes.add("frames", f"Frame {frame + 1} of {number}.")
    adopt_groups(dataset, frame)
    stored = stored_values(dataset, frame, notes)
    note_kind(dataset, kind, modality, notes)
    if text(dataset, "PhotometricInterpretation").startswith("PALETTE"):
        stored = _palette_applied(stored, dataset, notes)
    if stored.ndim == 3:
        stored = _grey_of_colour(stored, dataset, notes, colour=colour, is_held=bool(hold))
    if stored.ndim == 3:
        pixels: Pixels = stored.astype(np.uint8)
        tags = _kept_tags(dataset, "colour")
        return DicomImage(pixels, tags, _patient(dataset), frame, list(notes), hold)
    if stored.ndim != 2:
        raise RefusedImageError("The DICOM file does not hold one greyscale image.")
    values = b"" if not is_worth_keeping(dataset) else value_file(stored, dataset, kind)
    unit, by = _displayed(stored, dataset, kind, window, notes, is_of_stack=is_of_stack)
    unit = squared(unit, height_over_width(dataset), notes)
    bits = 16 if int(dataset.BitsStored) > 8 else 8
    pixels = as_levels(unit * (2**bits - 1), bits=bits)
    place = series_place(dataset) if number == 1 else None
    tags = _kept_tags(dataset, by)
    return DicomImage(pixels, tags, _patient(dataset), frame, list(notes), hold, values, place)


def _palette_applied(stored: Stored, dataset: Dataset, notes: Notes) -> Stored:
    notes.add("palette", "The palette of the file was applied.")
    values = np.asarray(apply_color_lut(stored, dataset))[..., :3]
    deep = int(values.max()) > np.iinfo(np.uint8).max
    dataset.BitsStored = dataset.BitsAllocated = 16 if deep else 8
    dataset.PixelRepresentation = 0
    return values


def _grey_of_colour(stored: Stored, dataset: Dataset, notes: Notes, *, colour: bool, is_held: bool) -> Stored:
    """The one channel of grey stored as colour; colour itself only where colour is asked for.

    Of what is held for a person the luminance, so that they see what they decide on.
    """
    full = (1 << int(dataset.BitsStored)) - 1
    channel_range = stored.max(axis=2).astype(np.int64) - stored.min(axis=2).astype(np.int64)
    if float(np.percentile(channel_range, 99.9)) <= GREY_TOLERANCE * full:
        notes.add("colour", "Grey stored as colour was taken as grey.")
        dataset.PhotometricInterpretation = "MONOCHROME2"
        return np.asarray(np.rint(stored.mean(axis=2)), dtype=np.int32)
    if colour:
        return np.asarray(stored >> max(int(dataset.BitsStored) - 8, 0))
    if not is_held:
        raise RefusedImageError("The DICOM file is in colour; greyscale images are taken.")
    notes.add("colour", "The image is in colour; its luminance was taken.")
    dataset.PhotometricInterpretation = "MONOCHROME2"
    return np.asarray(np.rint(stored @ LUMINANCE), dtype=np.int32)


def _displayed(
    stored: Stored, dataset: Dataset, kind: str, window: str, notes: Notes, *, is_of_stack: bool
) -> tuple[Floats, str]:
    padding = padding_of(stored, dataset)
    values, is_rescaled = modality_values(stored, dataset, notes)
    whole_range = None
    bits = int(dataset.BitsStored)
    if bits <= 8 and np.array_equal(values, stored) and float(values.min()) >= 0 and values.max() < 1 << bits:
        whole_range = (0.0, 2.0**bits - 1)
    image = render(
        values,
        dataset,
        notes,
        padding=padding,
        # One slice of a stack may hold no air; the window must be that of all the others.
        is_hounsfield=kind == "CT"
        and ((is_of_stack and is_rescaled) or _is_hounsfield(values, is_rescaled, stored, notes)),
        choice=window,
        whole_range=whole_range,
        is_of_stack=is_of_stack,
    )
    if not is_inverted(dataset, notes):
        return np.where(padding, 0.0, image.unit), image.by
    return np.where(padding, 0.0, 1 - image.unit), f"{image.by}, {INVERSE}"


def _is_hounsfield(values: Floats, is_rescaled: bool, stored: Stored, notes: Notes) -> bool:
    """Whether a window in Hounsfield units may be laid on these values of a CT."""
    if float(values.min()) <= LEAST_AIR:
        if not is_rescaled:
            notes.add(
                "rescale", "The CT does not say how its values are scaled; they look like Hounsfield units."
            )
        return True
    if not is_rescaled:
        notes.add(
            "rescale", "The CT does not say how its values are scaled; no window of the lung was laid on."
        )
    return False


def _patient(dataset: Dataset) -> str:
    return text(dataset, "PatientID")


def _kept_tags(dataset: Dataset, by: str) -> dict[str, str]:
    """What says how an image was made, and neither who is on it, nor where, nor when."""
    return {**kept_values(dataset), "Window": by}
