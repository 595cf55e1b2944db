"""An image as a DICOM secondary capture that says it is synthetic, and how it was derived; a stack has a frame a slice."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Iterator
from itertools import chain

from pydicom.dataset import Dataset as DicomDataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from pool.canonical.pixels import Pixels
from pool.models import Image, Modality, Origin
from pool.publication.marks import SOURCE_TYPE

SECONDARY_CAPTURE = UID("1.2.840.10008.5.1.4.1.1.7")
# Multi-frame ones: grey of 8 bits, grey of 16 bits, colour.
BYTES, WORDS, COLOUR = (UID(f"{SECONDARY_CAPTURE}.{part}") for part in (2, 3, 4))
PAGE_NUMBERS = 0x00182001  # the tag of a vector with a number a frame
MODALITIES = {Modality.XRAY: "CR", Modality.CT: "CT", Modality.MRI: "MR"}
ROOT = "lungrater"
PIXEL_DATA = (0x7FE0, 0x0010)
MOST_BYTES = 2**32 - 2  # an element's length is four bytes, even, and the greatest of them means “unknown”


class TooLargeForDicomError(Exception):
    """The stack has more pixels than one file holds; the message says what to do."""


def dicom_chunks(image: Image, frames: Iterable[Pixels], *, software: str) -> Iterator[bytes]:
    """The file, a frame at a time: a stack of gigabytes never stands in memory.

    frames: as many as the image has slices, all of one shape. A window over the whole range shows each stored value as
    it is. Raises TooLargeForDicomError before the first chunk.
    """
    rest = iter(frames)
    first = next(rest)
    length = first.nbytes * image.slices
    if length > MOST_BYTES:
        raise TooLargeForDicomError(
            f"The stack {image.pk} has {image.slices} slices of together {length / 2**30:.1f} GiB, and one DICOM file holds "
            "less than 4: leave it out on its page, with the reason."
        )
    yield _head(image, first, software)
    # The last element of all, so that it may follow by itself.
    kind = b"OW" if first.dtype.itemsize > 1 else b"OB"
    yield struct.pack("<HH2s2xI", *PIXEL_DATA, kind, length + length % 2)
    for frame in chain([first], rest):
        yield frame.astype(frame.dtype.newbyteorder("<"), copy=False).tobytes()
    if length % 2:
        yield b"\0"


def _head(image: Image, pixels: Pixels, software: str) -> bytes:
    """All before the pixels, of which `pixels` is a frame."""
    bits = pixels.dtype.itemsize * 8
    colour = pixels.ndim == 3
    kind = SECONDARY_CAPTURE if image.slices == 1 else COLOUR if colour else WORDS if bits > 8 else BYTES
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = kind
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[ROOT, str(image.pk)])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = DicomDataset()
    file.file_meta = meta
    file.SOPClassUID, file.SOPInstanceUID = kind, meta.MediaStorageSOPInstanceUID
    file.StudyInstanceUID = generate_uid(entropy_srcs=[ROOT, "study", str(image.pk)])
    file.SeriesInstanceUID = generate_uid(entropy_srcs=[ROOT, "series", str(image.pk)])
    file.ImageType = ["DERIVED", "SECONDARY"]
    file.Modality = MODALITIES.get(Modality(image.modality), "OT")
    file.ConversionType = "SYN" if image.origin == Origin.SYNTHETIC else "WSD"
    file.BurnedInAnnotation = "NO"
    file.PatientName = file.PatientID = file.PatientBirthDate = file.PatientSex = ""
    file.StudyDate = file.StudyTime = file.AccessionNumber = file.StudyID = file.ReferringPhysicianName = ""
    file.SeriesNumber = file.InstanceNumber = 1
    file.Manufacturer = "LungRater"
    _say_where_from(file, image, software)
    if image.slices > 1:
        file.NumberOfFrames, file.FrameIncrementPointer = image.slices, PAGE_NUMBERS
        file.PageNumberVector = list(range(1, image.slices + 1))
    file.SamplesPerPixel = 3 if colour else 1
    file.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        file.PlanarConfiguration = 0
    else:
        file.WindowCenter, file.WindowWidth = 2 ** (bits - 1), 2**bits
    file.Rows, file.Columns = pixels.shape[:2]
    file.BitsAllocated = file.BitsStored = bits
    file.HighBit, file.PixelRepresentation = bits - 1, 0
    target = io.BytesIO()
    file.save_as(target, enforce_file_format=True)
    return target.getvalue()


def _say_where_from(file: DicomDataset, image: Image, software: str) -> None:
    """(0008,001C) SyntheticData, and in words what a reader of the header sees first."""
    is_synthetic = image.origin == Origin.SYNTHETIC
    file.SyntheticData = "YES" if is_synthetic else "NO"
    if is_synthetic:
        file.DerivationDescription = f"Generated, no patient: {software}. {SOURCE_TYPE}"[:1024]
        file.ImageComments = "Synthetic image, made by a program; not for diagnosis."
    else:
        file.DerivationDescription = "Shown grey levels of an acquired image, without its header."
