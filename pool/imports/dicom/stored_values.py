"""The stored values of one frame of a DICOM file: every compression, and no bit that is not the image's."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from pool.canonical.pixels import RefusedImageError
from pool.imports.dicom.headers import integer, number, text, transfer_syntax_of
from pool.imports.notes import Notes

Stored = npt.NDArray[np.integer[Any]]

JPEG_EXTENDED = {"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.55"}
JPEG_LOSSLESS = {"1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"}
JPEG_LS = {"1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"}
JPEG_2000 = {f"1.2.840.10008.1.2.4.{number}" for number in (90, 91, 92, 93, 201, 202, 203)}
JPEG_XL = {f"1.2.840.10008.1.2.4.{number}" for number in (110, 111, 112)}
# With these, imagecodecs reads what the usual decoders refuse or misread.
SECOND_DECODER = JPEG_EXTENDED | JPEG_LOSSLESS | JPEG_LS | JPEG_2000 | JPEG_XL
FIRST_OF_ALL = {f"1.2.840.10008.1.2.4.{number}" for number in (51, 55, 201, 202, 203, 110, 111, 112)}
GREY = {"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"}
OVERLAY_GROUPS = range(0x6000, 0x6020, 2)


def stored_values(dataset: Dataset, frame: int, notes: Notes) -> Stored:
    """(rows, columns) or (rows, columns, samples) of one frame. Raises RefusedImageError."""
    syntax = transfer_syntax_of(dataset)
    _complete_header(dataset, syntax, notes)
    values = _decoded(dataset, frame, syntax)
    if values.ndim == 2:
        values = _own_bits(values, dataset, notes)
    return values


def _complete_header(dataset: Dataset, syntax: UID, notes: Notes) -> None:
    """What decoders insist on and what has one usual value."""
    if not getattr(dataset, "file_meta", None):
        dataset.file_meta = FileMetaDataset()
    uid = dataset.file_meta.get("TransferSyntaxUID")
    if uid and uid != syntax:
        dataset.file_meta.TransferSyntaxUID = syntax
        notes.add("header", "The file is compressed though it says it is not; it was read as its bytes look.")
    if not uid:
        dataset.file_meta.TransferSyntaxUID = syntax
        notes.add("header", "The file does not name its transfer syntax; it was read as its bytes look.")
    for keyword, usual in (("SamplesPerPixel", 1), ("PixelRepresentation", 0)):
        if number(dataset, keyword) is None:
            setattr(dataset, keyword, usual)
            notes.add("header", f"The file does not name {keyword}; {usual} was taken.")
    allocated = integer(dataset, "BitsAllocated", default=0) or _allocated(dataset)
    stored = integer(dataset, "BitsStored", default=0)
    if not 0 < stored <= allocated:
        notes.add("bits", f"The file stores {stored or 'no'} bits in {allocated}; {allocated} were taken.")
        stored = allocated
    dataset.BitsAllocated, dataset.BitsStored = allocated, stored
    photometric = text(dataset, "PhotometricInterpretation").upper()
    if int(dataset.SamplesPerPixel) == 1 and photometric not in GREY:
        notes.add("header", "The file does not say in a known word how it is lit; MONOCHROME2 was taken.")
        photometric = "MONOCHROME2"
    dataset.PhotometricInterpretation = photometric or "RGB"


def _allocated(dataset: Dataset) -> int:
    pixels = int(dataset.Rows) * int(dataset.Columns) * int(dataset.SamplesPerPixel)
    return 16 if len(dataset.PixelData) >= 2 * pixels else 8


def _decoded(dataset: Dataset, frame: int, syntax: UID) -> Stored:
    if str(syntax) in FIRST_OF_ALL:
        return _by_imagecodecs(dataset, frame, syntax)
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError as error:
        raise _unknown(syntax) from error
    try:
        # Unused bits are looked at here, in every compression alike; colour comes as RGB.
        options: Any = {"correct_unused_bits": False}
        pixels, _ = decoder.as_array(dataset, index=frame, **options)
    except Exception:
        if str(syntax) not in SECOND_DECODER:
            raise
        return _by_imagecodecs(dataset, frame, syntax)
    return np.asarray(pixels)


def _by_imagecodecs(dataset: Dataset, frame: int, syntax: UID) -> Stored:
    try:
        import imagecodecs  # large, and for few files only
    except ImportError as error:
        raise _unknown(syntax) from error
    data = get_frame(dataset.PixelData, frame, number_of_frames=frames_of(dataset))
    values = np.asarray(_codec(imagecodecs, str(syntax))(data))
    shape = (int(dataset.Rows), int(dataset.Columns))
    if values.shape[:2] != shape:
        raise RefusedImageError(
            f"The DICOM file is damaged: its header says {shape[1]}×{shape[0]}, "
            f"its image is {values.shape[1]}×{values.shape[0]}."
        )
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    return _signed(values, dataset)


def _codec(imagecodecs: Any, syntax: str) -> Any:
    if syntax in JPEG_2000:
        return imagecodecs.jpeg2k_decode
    if syntax in JPEG_LS:
        return imagecodecs.jpegls_decode
    if syntax in JPEG_LOSSLESS:
        return imagecodecs.ljpeg_decode
    if syntax in JPEG_XL:
        return imagecodecs.jpegxl_decode
    return imagecodecs.jpeg_decode


def _signed(values: Stored, dataset: Dataset) -> Stored:
    """Two's complement of as many bits as are stored, where the header says so and the codec does not."""
    if not int(dataset.PixelRepresentation) or values.dtype.kind == "i":
        return values
    stored = int(dataset.BitsStored)
    wide = values.astype(np.int32)
    return np.asarray(np.where(wide >= 1 << (stored - 1), wide - (1 << stored), wide), dtype=np.int32)


def _own_bits(values: Stored, dataset: Dataset, notes: Notes) -> Stored:
    """The values without the bits of something else, such as an overlay; values that are wider stay whole."""
    stored, allocated = int(dataset.BitsStored), values.dtype.itemsize * 8
    if stored >= allocated:
        return values
    shift = integer(dataset, "HighBit", default=stored - 1) - stored + 1
    bits = np.asarray(values).astype(np.int64) & ((1 << allocated) - 1)
    if 0 < shift <= allocated - stored and not (bits & ((1 << shift) - 1)).any():
        notes.add("bits", f"The values lie {shift} bits high in their words and were moved down.")
        bits >>= shift
    own = bits & ((1 << stored) - 1)
    signed = bool(int(dataset.PixelRepresentation))
    from_stored = _extended(own, stored) if signed else own
    unmasked = _extended(bits, allocated) if signed else bits
    if np.array_equal(from_stored, unmasked):
        return np.asarray(from_stored, dtype=np.int32)
    if _has_overlay_above(dataset, stored) or not _goes_on(unmasked, stored):
        notes.add("bits", "Bits above the stored ones, as of an overlay, were left out.")
        return np.asarray(from_stored, dtype=np.int32)
    notes.add(
        "bits",
        f"The values are wider than the {stored} bits that the file says; they were taken as they are.",
    )
    return np.asarray(unmasked, dtype=np.int32)


def _extended(values: npt.NDArray[np.int64], bits: int) -> npt.NDArray[np.int64]:
    return np.asarray(np.where(values >= 1 << (bits - 1), values - (1 << bits), values), dtype=np.int64)


def _has_overlay_above(dataset: Dataset, stored: int) -> bool:
    """Whether an overlay says it lies in the bits above the stored ones."""
    for group in OVERLAY_GROUPS:
        if (group, 0x0102) in dataset and (group, 0x3000) not in dataset:
            return int(dataset[group, 0x0102].value or 0) >= stored
    return False


def _goes_on(values: npt.NDArray[np.int64], stored: int) -> bool:
    """Whether what stands above the stored bits counts on, as wider values do, and is no plane of its own.

    Several planes one after another count on. A single one does where neighbours on both sides of its edge are
    nearer each other with it than without it: a drawing's edge leaves the image below as it is.
    """
    above = np.unique(values >> stored)
    if len(above) > 2:
        return True
    own = values & ((1 << stored) - 1)
    nearer = crossings = 0
    for before, after in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        crosses = (values[before] >> stored) != (values[after] >> stored)
        with_it = np.abs(values[before] - values[after])[crosses]
        nearer += int((with_it < np.abs(own[before] - own[after])[crosses]).sum())
        crossings += with_it.size
    return crossings > 0 and nearer > crossings / 3


def frames_of(dataset: Dataset) -> int:
    """How many frames the file says it holds. Raises RefusedImageError."""
    if "NumberOfFrames" not in dataset:
        return 1
    value = number(dataset, "NumberOfFrames")
    if value is None and str(dataset.get("NumberOfFrames") or "").strip():
        raise RefusedImageError("The DICOM file is damaged: it does not say how many frames it holds.")
    return max(1, int(value or 1))


def _unknown(syntax: UID) -> RefusedImageError:
    uid = str(syntax) if syntax.is_valid else "no UID"
    name = syntax.name if syntax.name != str(syntax) else "an unknown one"
    return RefusedImageError(
        f"The DICOM file uses a compression this version cannot decode: {name} ({uid}). It is not damaged."
    )
