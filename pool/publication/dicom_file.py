"""An image as a DICOM secondary capture that says it is synthetic, and how it was derived; a stack has a frame a slice."""

from __future__ import annotations

import io
from collections.abc import Sequence

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


def dicom_file(image: Image, frames: Sequence[Pixels], *, software: str) -> bytes:
    """The file. A window over the whole range shows each stored value as it is."""
    pixels = frames[0]
    bits = pixels.dtype.itemsize * 8
    colour = pixels.ndim == 3
    kind = SECONDARY_CAPTURE if len(frames) == 1 else COLOUR if colour else WORDS if bits > 8 else BYTES
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
    if len(frames) > 1:
        file.NumberOfFrames, file.FrameIncrementPointer = len(frames), PAGE_NUMBERS
        file.PageNumberVector = list(range(1, len(frames) + 1))
    file.SamplesPerPixel = 3 if colour else 1
    file.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        file.PlanarConfiguration = 0
    else:
        file.WindowCenter, file.WindowWidth = 2 ** (bits - 1), 2**bits
    file.Rows, file.Columns = pixels.shape[:2]
    file.BitsAllocated = file.BitsStored = bits
    file.HighBit, file.PixelRepresentation = bits - 1, 0
    data = b"".join(frame.astype(frame.dtype.newbyteorder("<")).tobytes() for frame in frames)
    file.PixelData = data + b"\0" * (len(data) % 2)
    file["PixelData"].VR = "OW" if bits > 8 else "OB"
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
