"""An image as a DICOM secondary capture that says it is synthetic, and how it was derived."""

from __future__ import annotations

import io

from pydicom.dataset import Dataset as DicomDataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from pool.canonical.pixels import Pixels
from pool.models import Image, Modality, Origin
from pool.publication.marks import SOURCE_TYPE

SECONDARY_CAPTURE = UID("1.2.840.10008.5.1.4.1.1.7")
MODALITIES = {Modality.XRAY: "CR", Modality.CT: "CT", Modality.MRI: "MR"}
ROOT = "lungrater"


def dicom_file(image: Image, pixels: Pixels, *, software: str) -> bytes:
    """The file. A window over the whole range shows each stored value as it is."""
    bits = pixels.dtype.itemsize * 8
    colour = pixels.ndim == 3
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SECONDARY_CAPTURE
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[ROOT, str(image.pk)])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = DicomDataset()
    file.file_meta = meta
    file.SOPClassUID, file.SOPInstanceUID = SECONDARY_CAPTURE, meta.MediaStorageSOPInstanceUID
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
    file.SamplesPerPixel = 3 if colour else 1
    file.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        file.PlanarConfiguration = 0
    else:
        file.WindowCenter, file.WindowWidth = 2 ** (bits - 1), 2**bits
    file.Rows, file.Columns = pixels.shape[:2]
    file.BitsAllocated = file.BitsStored = bits
    file.HighBit, file.PixelRepresentation = bits - 1, 0
    data = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
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
