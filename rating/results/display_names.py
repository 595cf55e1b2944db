"""The names of things as people read them, outside Django."""

COEFFICIENTS = {
    "percent_agreement": "Percent agreement",
    "cohen_kappa": "Cohen κ",
    "light_kappa": "Light κ (mean of all pairs)",
    "fleiss_kappa": "Fleiss κ",
    "krippendorff_alpha": "Krippendorff α",
    "gwet_ac1": "Gwet AC1",
    "brennan_prediger": "Brennan–Prediger",
    "conger_kappa": "Conger κ",
}
ON_THE_SCALE = {
    "percent_agreement": "Weighted percent agreement",
    "fleiss_kappa": "Weighted Fleiss κ",
    "gwet_ac2": "Gwet AC2",
    "brennan_prediger": "Weighted Brennan–Prediger",
    "krippendorff_ordinal": "Krippendorff α (Krippendorff’s ordinal metric)",
}
MODALITIES = {"xray": "X-ray", "ct": "CT", "mri": "MRI", "microscopy": "Microscopy", "other": "Other"}
POLICIES = {
    "exclude": "left out",
    "wrong": "counts as wrong",
    "right": "counts as right",
    "half": "counts as half right",
}
KNOWLEDGE = {
    "none": "none",
    "heard": "has read about it",
    "used": "has used it",
    "works": "works with it",
    "": "",
}


def group_name(name: str) -> str:
    """A modality, alone or with its truth, in words."""
    kind, comma, truth = name.partition(", ")
    return f"{MODALITIES.get(kind, kind)}{comma}{f'truly {truth}' if truth in {'real', 'fake'} else truth}"


def counted(number: int, noun: str) -> str:
    """So many of these, in the singular where there is one."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
