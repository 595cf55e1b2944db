"""Why a DICOM image waits for a person's release: words in its pixels, a face, a capture of a screen; or that it need not."""

from __future__ import annotations

from pydicom.dataset import Dataset

from pool.imports.dicom.headers import items, text

SECONDARY_CAPTURES = {
    "1.2.840.10008.5.1.4.1.1.7",
    *(f"1.2.840.10008.5.1.4.1.1.7.{kind}" for kind in range(1, 5)),
}
# De-identified radiographs of public collections are secondary captures that name the modality they were taken with.
RADIOGRAPHS = {"CR", "DX", "DR", "RG", "RF"}
COLOUR = {"RGB", "PALETTE COLOR"}
# What has been through its tables on a screen carries none.
TABLES = ("ModalityLUTSequence", "VOILUTSequence")


def hold_reason(dataset: Dataset) -> str:
    """Why this image waits for a person, in a sentence; empty for one that may go in at once."""
    if text(dataset, "BurnedInAnnotation").upper() == "YES":
        return "The DICOM file says that text is burned into the image."
    if text(dataset, "RecognizableVisualFeatures").upper() == "YES":
        return "The DICOM file says that a face can be recognised in the image."
    modality = text(dataset, "Modality").upper()
    if modality == "US":
        return "Ultrasound images often have a name burned in."
    if modality == "SC" or text(dataset, "SOPClassUID") in SECONDARY_CAPTURES:
        return _of_a_capture(dataset, modality)
    return ""


def _of_a_capture(dataset: Dataset, modality: str) -> str:
    if _is_colour(dataset):
        return "Colour secondary captures often have text burned in: screenshots, scanned paper, reports of dose."
    if modality in RADIOGRAPHS or (modality == "OT" and any(items(dataset, table) for table in TABLES)):
        return ""
    kind = f"of modality {modality}" if modality in {"CT", "MR", "OT"} else "of no modality of its own"
    return f"A secondary capture {kind}: more likely a screenshot or scanned paper than an acquisition."


def _is_colour(dataset: Dataset) -> bool:
    photometric = text(dataset, "PhotometricInterpretation").upper()
    return photometric in COLOUR or photometric.startswith("YBR")
