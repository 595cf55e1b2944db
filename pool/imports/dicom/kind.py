"""What a DICOM file is an image of, and whether its kind is taken at all."""

from __future__ import annotations

from pydicom.dataset import Dataset

from pool.canonical.pixels import RefusedImageError
from pool.imports.dicom.headers import text
from pool.imports.dicom.holding import hold_reason
from pool.imports.notes import Notes

TAKEN = {"CR", "DX", "DR", "RG", "RF", "CT", "OT", "MR"}
# What DICOM (PS3.3 C.7.3.1.1.1) calls modalities; another word says nothing, and a person's word is taken.
OTHERS = (
    "AR ASMT AU BDUS BI BMD CFM CT DG DMS DOC DX ECG EPS ES FA FID FS GM HC HD IO IVOCT IVUS KER KO LEN LP LS MA MG MR MS NM OAM OCT OP OPM "
    "OPR OPT OPTBSV OPTENF OPV OSS OT PA PLAN PR PT PX REG RESP RF RTDOSE RTIMAGE RTINTENT RTPLAN RTRAD RTRECORD RTSEGANN RTSTRUCT RWV SC SEG SM SMR SR SRF STAIN TEXTUREMAP TG US VA XA XC XAPROTOCOL"
)
KNOWN = TAKEN | frozenset(OTHERS.split())
# The pool's modality of each of DICOM's that has one.
SPOKEN = {"CR": "xray", "DX": "xray", "DR": "xray", "RG": "xray", "RF": "xray", "CT": "ct", "MR": "mri"}
BY_PERSON = {"xray": "DX", "ct": "CT", "mri": "MR", "microscopy": "OT", "other": "OT"}
BY_CLASS = {
    "1.2.840.10008.5.1.4.1.1.1": "CR",
    "1.2.840.10008.5.1.4.1.1.1.1": "DX",
    "1.2.840.10008.5.1.4.1.1.1.1.1": "DX",
    "1.2.840.10008.5.1.4.1.1.2": "CT",
    "1.2.840.10008.5.1.4.1.1.2.1": "CT",
    "1.2.840.10008.5.1.4.1.1.2.2": "CT",
    "1.2.840.10008.5.1.4.1.1.4": "MR",
    "1.2.840.10008.5.1.4.1.1.4.1": "MR",
    "1.2.840.10008.5.1.4.1.1.6.1": "US",
}
FOR_PROCESSING_CLASS = "1.2.840.10008.5.1.4.1.1.1.1.1"
WORDS = {"xray": "an X-ray", "ct": "a CT", "mri": "an MRI"}


def checked_modality(dataset: Dataset, by_person: str, notes: Notes) -> str:
    """The modality of an image that is taken or held for release; what the file lacks, a person's word fills."""
    modality, sop_class = text(dataset, "Modality").upper(), text(dataset, "SOPClassUID")
    has_image = "Rows" in dataset and "PixelData" in dataset
    if not sop_class and not has_image:
        raise RefusedImageError("Not a readable DICOM file: it does not say what it holds.")
    modality = modality or BY_CLASS.get(sop_class, "")
    if "FloatPixelData" in dataset or "DoubleFloatPixelData" in dataset:
        raise RefusedImageError("The DICOM file has floating-point pixels, as maps do and images do not.")
    if not has_image:
        raise RefusedImageError(f"The DICOM file holds no image (modality {_quotable(modality)}).")
    if modality not in KNOWN and by_person in BY_PERSON:
        words = "calls its modality by a word that is none" if modality else "does not name its modality"
        notes.add("header", f"The file {words}; that of the import was taken.")
        modality = BY_PERSON[by_person]
    if modality not in TAKEN and not hold_reason(dataset):
        raise RefusedImageError(f"Modality {_quotable(modality)} is not taken: CR, DX, CT, MR and OT are.")
    return modality


def note_kind(dataset: Dataset, modality: str, by_person: str, notes: Notes) -> None:
    """Note what the image is besides what it was said to be."""
    spoken = SPOKEN.get(modality, "")
    if spoken and by_person in WORDS and spoken != by_person:
        notes.add("modality", f"The file says {modality}; it was imported as {WORDS[by_person]}.")
    if modality == "CT" and "LOCALIZER" in text(dataset, "ImageType").upper():
        notes.add("modality", "A localizer: a projection, not a slice.")
    intent = text(dataset, "PresentationIntentType").upper()
    if intent == "FOR PROCESSING" or text(dataset, "SOPClassUID") == FOR_PROCESSING_CLASS:
        notes.add(
            "raw", "The file is for processing: a detector's raw values, not what a radiologist is shown."
        )


def _quotable(modality: str) -> str:
    """The modality as a sentence may quote it: a word that is none may be anything, a name too."""
    return modality if modality in KNOWN else "unknown"
