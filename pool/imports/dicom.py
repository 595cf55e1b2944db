"""Single-frame DICOM pictures as canonical pixels, with an allow-list of tags and nothing else."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
from pydicom.uid import CTImageStorage, SecondaryCaptureImageStorage

from pool.canonical.pixels import Pixels, RefusedImage, check_size

MODALITIES = {"CR", "DX", "CT", "OT", "MR"}
# What says how a picture was made, and neither who is on it, nor where, nor when.
KEPT_TAGS = (
    "Modality",
    "BodyPartExamined",
    "ViewPosition",
    "PatientPosition",
    "Manufacturer",
    "ManufacturerModelName",
    "PhotometricInterpretation",
    "BitsStored",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "SliceThickness",
    "KVP",
    "ConvolutionKernel",
)
LUNG_WINDOW = (-600.0, 1500.0)
MAX_TEXT = 100
HELD = "it is held for a person's release, which this version cannot give"


@dataclass(frozen=True)
class DicomPicture:
    """Canonical pixels, the tags that may be kept, and the patient's identifier, to be hashed at once."""

    pixels: Pixels
    tags: dict[str, str]
    patient_id: str


def is_dicom(data: bytes, name: str = "") -> bool:
    return data[128:132] == b"DICM" or name.lower().endswith((".dcm", ".dicom"))


def decode(data: bytes) -> DicomPicture:
    """Pixels with rescale, VOI and inversion applied. Raises RefusedImage with one sentence."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(io.BytesIO(data), force=True)
            modality = _checked_modality(dataset)
            window, source = _window(dataset, modality)
            pixels = _displayed(dataset, window)
            return DicomPicture(
                pixels, _kept_tags(dataset, window, source), str(dataset.get("PatientID", "") or "").strip()
            )
    except RefusedImage:
        raise
    except NotImplementedError as error:
        raise RefusedImage("The DICOM file uses a compression this version cannot decode.") from error
    except MemoryError as error:
        raise RefusedImage("The picture needs more memory than decoding may take.") from error
    except Exception as error:  # readers of broken DICOM raise whatever the file makes them
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
        raise RefusedImage(f"The DICOM file is damaged or cut short ({reason}).") from error


def _checked_modality(dataset: Dataset) -> str:
    """The modality of a picture that may go in without a person having looked at it first."""
    if "SOPClassUID" not in dataset:
        raise RefusedImage("Not a readable DICOM file: it does not say what it holds.")
    modality = str(dataset.get("Modality", "") or "")
    if not modality and dataset.SOPClassUID == CTImageStorage:
        modality = "CT"
    if str(dataset.get("BurnedInAnnotation", "") or "").upper() == "YES":
        raise RefusedImage(f"The DICOM file says that text is burned into the picture; {HELD}.")
    if modality in {"US", "SC"}:
        raise RefusedImage(f"{modality} pictures often have a name burned in; {HELD}.")
    if "Rows" not in dataset or "PixelData" not in dataset:
        raise RefusedImage(f"The DICOM file holds no picture (modality {modality or 'unknown'}).")
    if modality not in MODALITIES:
        raise RefusedImage(f"Modality {modality or 'unknown'} is not taken: CR, DX, CT, MR and OT are.")
    if _frames(dataset) != 1:
        raise RefusedImage("The DICOM file holds more than one frame; import single frames.")
    if int(dataset.get("SamplesPerPixel", 1)) != 1:
        if dataset.SOPClassUID == SecondaryCaptureImageStorage:
            raise RefusedImage(f"Colour secondary captures often have text burned in; {HELD}.")
        raise RefusedImage("The DICOM file is in colour; greyscale pictures are taken.")
    check_size(int(dataset.Columns), int(dataset.Rows))
    return modality


def _frames(dataset: Dataset) -> int:
    text = str(dataset.get("NumberOfFrames", 1) or 1)
    if not text.isdigit():
        raise RefusedImage(f"The DICOM file is damaged: it says it holds “{text[:20]}” frames.")
    return int(text)


def _window(dataset: Dataset, modality: str) -> tuple[tuple[float, float] | None, str]:
    """Centre and width to show, and where they come from."""
    if "VOILUTSequence" in dataset:
        return None, "table in the file"
    centre, width = _first(dataset, "WindowCenter"), _first(dataset, "WindowWidth")
    if centre is not None and width is not None and width >= 1:
        return (centre, width), "file"
    return (LUNG_WINDOW, "lung") if modality == "CT" else (None, "whole range")


def _first(dataset: Dataset, keyword: str) -> float | None:
    value = dataset.get(keyword)
    if value is None or value == "":
        return None
    return float(value if isinstance(value, int | float | str) else value[0])


def _displayed(dataset: Dataset, window: tuple[float, float] | None) -> Pixels:
    stored = dataset.pixel_array
    if stored.ndim != 2:
        raise RefusedImage("The DICOM file does not hold one greyscale picture.")
    values = np.asarray(apply_modality_lut(stored, dataset))
    if "VOILUTSequence" in dataset:
        levels, low, high = _through_table(values, dataset)
    elif window is not None:
        levels, low, high = _through_window(values.astype(np.float64), window, dataset)
    else:
        levels, low, high = values.astype(np.float64), *_span(values, stored, dataset)
    unit = np.clip((levels - low) / max(high - low, 1e-9), 0, 1)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        unit = 1 - unit
    if int(dataset.BitsStored) > 8:
        return np.rint(unit * np.iinfo(np.uint16).max).astype(np.uint16)
    return np.rint(unit * np.iinfo(np.uint8).max).astype(np.uint8)


def _through_table(
    values: npt.NDArray[np.generic], dataset: Dataset
) -> tuple[npt.NDArray[np.float64], float, float]:
    levels = apply_voi_lut(values, dataset, prefer_lut=True)
    bits = int(dataset.VOILUTSequence[0].LUTDescriptor[2])
    # Some writers say 16 where the table has 8 or 12 bits: the table itself knows better.
    top = max(float(np.max(levels)), 1.0)
    return levels.astype(np.float64), 0.0, min(2.0**bits - 1, 2.0 ** np.ceil(np.log2(top + 1)) - 1)


def _through_window(
    values: npt.NDArray[np.float64], window: tuple[float, float], dataset: Dataset
) -> tuple[npt.NDArray[np.float64], float, float]:
    """DICOM PS3.3 C.11.2.1.2: the three VOI functions, on a scale from 0 to 1."""
    centre, width = window
    function = str(dataset.get("VOILUTFunction", "") or "LINEAR")
    if function == "SIGMOID":
        return 1 / (1 + np.exp(-4 * (values - centre) / width)), 0.0, 1.0
    if function == "LINEAR_EXACT":
        return values, centre - width / 2, centre + width / 2
    return values, centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2


def _span(
    values: npt.NDArray[np.generic], stored: npt.NDArray[np.generic], dataset: Dataset
) -> tuple[float, float]:
    """The range without a window: what the bits can hold for 8, the range in use for deeper ones."""
    if int(dataset.BitsStored) <= 8 and values is stored and int(dataset.PixelRepresentation) == 0:
        return 0.0, 2.0 ** int(dataset.BitsStored) - 1
    return float(values.min()), float(values.max())


def _kept_tags(dataset: Dataset, window: tuple[float, float] | None, source: str) -> dict[str, str]:
    tags = {tag: str(dataset.get(tag))[:MAX_TEXT] for tag in KEPT_TAGS if dataset.get(tag) not in (None, "")}
    tags["Window"] = f"{window[0]:g}/{window[1]:g} ({source})" if window else source
    return tags
