"""What of a DICOM header may be kept: terms of the standard, names of makers known here, and numbers; never free text.

An element's name on a list says nothing of its value: people write names and rooms into any field that takes words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from pydicom.dataset import Dataset

from pool.imports.dicom.headers import numbers, text
from pool.imports.dicom.kind import KNOWN

# PS3.16, Annex L, and the usual other words.
BODY_PARTS = """
    ABDOMEN ABDOMENPELVIS ADRENAL ANKLE AORTA ARM AXILLA BACK BLADDER BRAIN BREAST BRONCHUS BUTTOCK CALCANEUS CALF CAROTID
    CEREBELLUM CERVIX CHEEK CHEST CHESTABDOMEN CHESTABDPELVIS CHOROIDPLEXUS CIRCLEOFWILLIS CLAVICLE COCCYX COLON CORNEA
    CORONARYARTERY CSPINE CTSPINE DUODENUM EAR ELBOW ESOPHAGUS EXTREMITY EYE EYELID FACE FEMUR FINGER FOOT FOREARM
    GALLBLADDER HAND HEAD HEADNECK HEART HIP HUMERUS IAC ILEUM ILIUM JAW JEJUNUM KIDNEY KNEE LARYNX LEG LIVER LSPINE LSSPINE
    LUNG LUNGS MAXILLA MEDIASTINUM MOUTH NECK NECKCHEST NECKCHESTABDOMEN NECKCHESTABDPELV NOSE ORBIT OVARY PANCREAS PAROTID
    PATELLA PELVIS PENIS PHARYNX PROSTATE RECTUM RIB RIBS SCALP SCAPULA SCLERA SCROTUM SHOULDER SKULL SPINE SPLEEN SSPINE
    STERNUM STOMACH SUBMANDIBULAR TESTIS THIGH THORAX THUMB THYMUS THYROID TLSPINE TMJ TOE TONGUE TRACHEA TSPINE URETER
    URETHRA UTERUS VAGINA VULVA WHOLEBODY WRIST ZYGOMA
"""
# PS3.3 C.8.7.1.1.1 (CR) and C.8.11.5.1.1 (digital X-ray).
VIEWS = {
    "AP",
    "PA",
    "LL",
    "RL",
    "LLD",
    "RLD",
    "LLO",
    "RLO",
    "LATERAL",
    "LAT",
    "OBLIQUE",
    "CC",
    "MLO",
    "ML",
    "LM",
}
POSITIONS = {
    f"{end}{side}" for end in ("HF", "FF", "LF", "RF", "AF", "PF") for side in ("P", "S", "DR", "DL")
}
INTENTS = {"FOR PRESENTATION", "FOR PROCESSING"}
PHOTOMETRIC = {"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL", "YBR_FULL_422"} | {
    f"YBR_{kind}" for kind in ("PARTIAL_420", "PARTIAL_422", "ICT", "RCT")
}
RELATIONSHIPS = {"LIN", "LOG", "SQRT", "OTHER"}
WINDOWS = {"WINDOW", "WINDOW1", "WINDOW2", "NORMAL", "HARDER", "SOFTER", "DEFAULT"} | {
    "LUNG",
    "MEDIASTINUM",
    "BONE",
    "BRAIN",
    "ABDOMEN",
    "LIVER",
}
KERNEL = re.compile(
    r"STANDARD|STND|SOFT|LUNG|BONE|BONEPLUS|DETAIL|EDGE|CHEST|SMOOTH|SHARP|[BHTUIJQS][a-z]?\d{2}[a-z]?|FC\d{2}"
)
# How makers begin their own name, and what is kept of it.
MAKERS = {
    "AGFA": "Agfa",
    "ALPINION": "Alpinion",
    "CANON": "Canon",
    "CARESTREAM": "Carestream",
    "EIZO": "Eizo",
    "FUJI": "Fujifilm",
    "GE ": "GE",
    "GEMS": "GE",
    "GENERAL ELECTRIC": "GE",
    "HITACHI": "Hitachi",
    "HOLOGIC": "Hologic",
    "IMAGING DYNAMICS": "Imaging Dynamics",
    "KODAK": "Kodak",
    "KONICA": "Konica Minolta",
    "LODOX": "Lodox",
    "MINDRAY": "Mindray",
    "NEUSOFT": "Neusoft",
    "OFFIS": "OFFIS",
    "PHILIPS": "Philips",
    "PICKER": "Picker",
    "SAMSUNG": "Samsung",
    "SHIMADZU": "Shimadzu",
    "SIEMENS": "Siemens",
    "SWISSRAY": "Swissray",
    "TOSHIBA": "Toshiba",
    "UIH": "United Imaging",
    "UNITED IMAGING": "United Imaging",
    "VAREX": "Varex",
    "VARIAN": "Varian",
}
MOST_NUMBERS = 2


def kept_values(dataset: Dataset) -> dict[str, str]:
    """The header's values that may be kept, by keyword; what is none of the terms is left out."""
    values = {keyword: term(dataset, keyword) for keyword, term in TERMS.items()}
    return {keyword: value for keyword, value in values.items() if value}


def window_word(word: str) -> str:
    """A window's explanation where it is one of the usual words, else nothing."""
    return word if word.upper() in WINDOWS else ""


def _of(terms: Collection[str]) -> Callable[[Dataset, str], str]:
    def value(dataset: Dataset, keyword: str) -> str:
        word = text(dataset, keyword).upper()
        return word if word in terms else ""

    return value


def _body_part(dataset: Dataset, keyword: str) -> str:
    word = re.sub(r"[ _-]", "", text(dataset, keyword).upper())
    return word if word in BODY_PARTS.split() else ""


def _maker(dataset: Dataset, keyword: str) -> str:
    words = f"{text(dataset, keyword).upper()} "
    return next((name for start, name in MAKERS.items() if words.startswith(start)), "")


def _kernel(dataset: Dataset, keyword: str) -> str:
    word = text(dataset, keyword)
    return word if KERNEL.fullmatch(word) else ""


def _numbers(dataset: Dataset, keyword: str) -> str:
    values = numbers(dataset, keyword) or []
    if len(values) == 1:
        return f"{values[0]:.10g}"
    return f"[{', '.join(f'{value:.10g}' for value in values)}]" if 0 < len(values) <= MOST_NUMBERS else ""


TERMS: dict[str, Callable[[Dataset, str], str]] = {
    "Modality": _of(KNOWN),
    "BodyPartExamined": _body_part,
    "ViewPosition": _of(VIEWS),
    "PatientPosition": _of(POSITIONS),
    "Manufacturer": _maker,
    "PresentationIntentType": _of(INTENTS),
    "PhotometricInterpretation": _of(PHOTOMETRIC),
    "PixelIntensityRelationship": _of(RELATIONSHIPS),
    "BitsStored": _numbers,
    "PixelSpacing": _numbers,
    "ImagerPixelSpacing": _numbers,
    "SliceThickness": _numbers,
    "KVP": _numbers,
    "ConvolutionKernel": _kernel,
}
