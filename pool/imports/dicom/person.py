"""What a DICOM header says of the person in an image, where whoever imports asks for it: the sex, and ten years of age."""

from __future__ import annotations

from pydicom import Dataset

from pool.imports.dicom.headers import text
from pool.imports.people import age_band_of, sex_of


def person_tags(dataset: Dataset) -> dict[str, str]:
    """By the names that a table's have; nothing where the header says nothing, and never an exact age."""
    facts = {
        "sex": sex_of(text(dataset, "PatientSex")),
        "age_band": age_band_of(text(dataset, "PatientAge")),
    }
    return {name: value for name, value in facts.items() if value}
