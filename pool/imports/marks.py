"""What a file says of how it came to be: IPTC's digital source type, in XMP or a C2PA manifest, or DICOM's SyntheticData."""

from __future__ import annotations

import re

GENERATED = frozenset({"trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "algorithmicMedia"})
TYPE = re.compile(rb"digitalsourcetype/([A-Za-z]{4,50})", re.IGNORECASE)
MANIFEST = (b"c2pa.claim", b"jumdc2pa")
# (0008,001C) CS, with its two kinds of encoding: a length of two bytes after the VR, or of four without one.
SYNTHETIC_TAG = re.compile(rb"\x08\x00\x1c\x00(?:CS\x04\x00|\x04\x00\x00\x00)YES ")


def marks_of(data: bytes, *, is_dicom: bool) -> dict[str, str]:
    """The marks, as provenance: empty where the file has none. A manifest's signature is not checked."""
    types = sorted({kind.decode() for kind in TYPE.findall(data)})
    places = [
        *(["C2PA manifest (signature not checked)"] if any(word in data for word in MANIFEST) else []),
        *(["IPTC digital source type"] if types else []),
        *(["DICOM SyntheticData"] if is_dicom and SYNTHETIC_TAG.search(data) else []),
    ]
    if not places:
        return {}
    return {"Marks": ", ".join(places), **({"Digital source type": ", ".join(types)} if types else {})}


def says_generated(tags: dict[str, str]) -> bool:
    """Whether these marks say that a program made the image."""
    types = set(tags.get("Digital source type", "").split(", "))
    return bool(types & GENERATED) or "DICOM SyntheticData" in tags.get("Marks", "")
