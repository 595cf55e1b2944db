"""Which images of a dataset may be trained on and which are held out to test with: no patient is on both sides."""

from __future__ import annotations

from django.db.models import Q

from pool.models import Dataset, Image, ImageQuerySet

# Keys are hashes, so a first digit is a fair die: 3 of 16 give 19 %, and a patient falls on the same side in
# every dataset, whatever is imported later. Images without a patient's key go by the hash of their pixels.
HELD_OUT_DIGITS = "012"
ENOUGH_TO_SPLIT = 100

_BY_PATIENT = Q(patient_key__gt="") & Q(patient_key__regex=f"^[{HELD_OUT_DIGITS}]")
_BY_PIXELS = Q(patient_key="") & Q(pixel_sha256__regex=f"^[{HELD_OUT_DIGITS}]")


def is_marked(dataset: Dataset) -> bool:
    """Whether somebody has said which images are for testing."""
    return dataset.images.usable().filter(split=Image.Split.TEST).exists()


def is_split_here(dataset: Dataset) -> bool:
    """Whether images are held out though nobody marked any: of a real dataset large enough to spare some."""
    return not is_marked(dataset) and dataset.images.usable().count() >= ENOUGH_TO_SPLIT


def held_out_images(dataset: Dataset) -> ImageQuerySet:
    """Usable images that nothing is trained on, always in the same order."""
    usable: ImageQuerySet = dataset.images.usable().order_by("pixel_sha256")
    if is_split_here(dataset):
        return usable.filter(_BY_PATIENT | _BY_PIXELS)
    return usable.filter(split=Image.Split.TEST)


def training_images(dataset: Dataset) -> ImageQuerySet:
    """Usable images of patients none of whose images is held out, always in the same order."""
    usable: ImageQuerySet = dataset.images.usable().order_by("pixel_sha256")
    if is_split_here(dataset):
        return usable.exclude(_BY_PATIENT | _BY_PIXELS)
    tested = dataset.images.filter(split=Image.Split.TEST, patient_key__gt="").values("patient_key")
    return usable.exclude(split=Image.Split.TEST).exclude(patient_key__in=tested)


def split_in_words(dataset: Dataset) -> str:
    """How the two sides came about, as one sentence."""
    if is_marked(dataset):
        return "By the split the images were imported with; other images of a held-out patient are not trained on."
    if is_split_here(dataset):
        return "By a hash of the patient, or of the pixels where no patient is known; all images of one patient are on one side."
    return f"Nothing is held out: no image is marked for testing, and of fewer than {ENOUGH_TO_SPLIT} none is spared."
