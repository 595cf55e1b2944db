"""The values behind an image as a DICOM file of our own: what a window is laid on, and nothing that names anybody.

Laying another window on them later is importing this file again: one gate, one set of rules for rescale, tables,
padding and MONOCHROME1. What goes in is numbers and terms of the standard, as of all headers (`terms`).
"""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import UID, JPEGLSLossless, SecondaryCaptureImageStorage, generate_uid
from pydicom.valuerep import DSfloat

from pool.imports.dicom.display import lookup_table, padding_ends
from pool.imports.dicom.geometry import SPACINGS
from pool.imports.dicom.headers import items, numbers, text
from pool.imports.dicom.kind import BY_CLASS
from pool.imports.dicom.stored_values import Stored
from pool.imports.dicom.terms import kept_values, window_word

NUMBERS = ("RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth", "KVP", "SliceThickness")
GEOMETRY = ("ImagePositionPatient", "ImageOrientationPatient")
CODES = {
    "VOILUTFunction": {"LINEAR", "LINEAR_EXACT", "SIGMOID"},
    "PresentationLUTShape": {"IDENTITY", "INVERSE"},
    "PresentationIntentType": {"FOR PRESENTATION", "FOR PROCESSING"},
}
WORDS = (
    "Modality",
    "BodyPartExamined",
    "ViewPosition",
    "PatientPosition",
    "Manufacturer",
    "PixelIntensityRelationship",
    "ConvolutionKernel",
)
TABLES = ("ModalityLUTSequence", "VOILUTSequence")
DEEP = 8


def is_worth_keeping(dataset: Dataset) -> bool:
    """Whether another window could show more than the image does: deep values, or tables on shallow ones."""
    return int(dataset.BitsStored) > DEEP or any(items(dataset, table) for table in TABLES)


def value_file(stored: Stored, dataset: Dataset, kind: str) -> bytes:
    """The file of these stored values, (rows, columns); empty for values that sixteen bits cannot hold."""
    signed = bool(int(dataset.PixelRepresentation))
    allocated = 8 if int(dataset.BitsAllocated) == 8 else 16
    depth = np.dtype(f"{'i' if signed else 'u'}{allocated // 8}")
    limits = np.iinfo(depth)
    if stored.ndim != 2 or stored.min() < limits.min or stored.max() > limits.max:
        return b""
    target = _head(kind, text(dataset, "SOPClassUID"))
    target.Rows, target.Columns = stored.shape
    target.SamplesPerPixel, target.PixelRepresentation = 1, int(signed)
    target.BitsAllocated = allocated
    # A sign reaches over all bits, whatever the codec makes of it.
    target.BitsStored = allocated if signed else min(int(dataset.BitsStored), allocated)
    target.HighBit = target.BitsStored - 1
    _copy_words(dataset, target)
    _copy_numbers(dataset, target)
    _copy_tables(dataset, target, signed=signed)
    _copy_padding(dataset, target, signed=signed)
    return _written(target, np.ascontiguousarray(stored.astype(depth)))


def value_file_of_levels(levels: npt.NDArray[np.uint16], limits: tuple[float, float], kind: str) -> bytes:
    """The file of levels (rows, columns) from 0 to 65,535 that stand for the values of these `limits`, from black to white."""
    low, high = limits
    header = Dataset()
    header.BitsAllocated = header.BitsStored = 16
    header.PixelRepresentation = 0
    header.RescaleIntercept = DSfloat(low, auto_format=True)
    header.RescaleSlope = DSfloat((high - low) / 65535, auto_format=True)
    return value_file(levels, header, kind)


def _head(kind: str, sop_class: str) -> Dataset:
    target = Dataset()
    target.file_meta = FileMetaDataset()
    target.file_meta.TransferSyntaxUID = JPEGLSLossless
    by_kind = {modality: uid for uid, modality in reversed(BY_CLASS.items())}
    class_uid = sop_class if sop_class in BY_CLASS else by_kind.get(kind, str(SecondaryCaptureImageStorage))
    target.SOPClassUID = target.file_meta.MediaStorageSOPClassUID = UID(class_uid)
    target.SOPInstanceUID = target.file_meta.MediaStorageSOPInstanceUID = generate_uid(prefix=None)
    target.Modality = kind
    return target


def _copy_words(dataset: Dataset, target: Dataset) -> None:
    terms = kept_values(dataset)
    for keyword in WORDS:
        if keyword in terms:
            setattr(target, keyword, terms[keyword])
    photometric = text(dataset, "PhotometricInterpretation")
    target.PhotometricInterpretation = "MONOCHROME1" if photometric == "MONOCHROME1" else "MONOCHROME2"
    for keyword, codes in CODES.items():
        if (code := text(dataset, keyword).upper()) in codes:
            setattr(target, keyword, code)
    if "LOCALIZER" in text(dataset, "ImageType").upper():
        target.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    explanations = text(dataset, "WindowCenterWidthExplanation").strip("[]").replace("'", "").split(",")
    if any(words := [window_word(word.strip()) for word in explanations]):
        target.WindowCenterWidthExplanation = words


def _copy_numbers(dataset: Dataset, target: Dataset) -> None:
    for keyword in (*NUMBERS, *GEOMETRY, *SPACINGS):
        values = numbers(dataset, keyword)
        if not values:
            continue
        if keyword == "PixelAspectRatio":
            target.PixelAspectRatio = [round(value) for value in values]
        else:
            setattr(target, keyword, [DSfloat(value, auto_format=True) for value in values])


def _copy_tables(dataset: Dataset, target: Dataset, *, signed: bool) -> None:
    for keyword in TABLES:
        tables = [table for item in items(dataset, keyword)[:1] if (table := lookup_table(item)) is not None]
        if not tables:
            continue
        first, entries, bits = tables[0]
        item = Dataset()
        kind = "SS" if signed and first < 1 << 15 else "US"
        descriptor = [len(entries) % (1 << 16), first, bits]
        item.add(_element("LUTDescriptor", kind, descriptor))
        item.add(_element("LUTData", "OW", entries.astype("<u2").tobytes()))
        setattr(target, keyword, Sequence([item]))


def _copy_padding(dataset: Dataset, target: Dataset, *, signed: bool) -> None:
    ends = padding_ends(dataset)
    limits = np.iinfo(np.int16 if signed else np.uint16)
    if ends is None or not all(limits.min <= end <= limits.max for end in ends):
        return
    kind = "SS" if signed else "US"
    for keyword, end in zip(("PixelPaddingValue", "PixelPaddingRangeLimit"), ends, strict=True):
        target.add(_element(keyword, kind, int(end)))


def _element(keyword: str, kind: str, value: object) -> DataElement:
    """An element whose kind the header's sign decides, which a keyword alone does not say."""
    number = tag_for_keyword(keyword)
    if number is None:
        raise KeyError(keyword)
    return DataElement(number, kind, value)


def _written(target: Dataset, values: npt.NDArray[np.generic]) -> bytes:
    import imagecodecs  # large, and only where values are deep

    stream = imagecodecs.jpegls_encode(values.view(f"u{values.dtype.itemsize}"))
    target.PixelData = encapsulate([bytes(stream)])
    target["PixelData"].VR = "OB"
    target["PixelData"].is_undefined_length = True
    buffer = io.BytesIO()
    target.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
