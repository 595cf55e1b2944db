"""What a dataset says of the models that can be trained on it: their classes and their channels."""

from __future__ import annotations

from generation.diffusion.config import ImageClass
from pool.models import Dataset, Modality
from pool.splits import training_images


def classes_of(dataset: Dataset) -> tuple[ImageClass, ...]:
    """The findings a class-conditional model of this dataset can be asked for."""
    labels = training_images(dataset).order_by("label").values_list("label", flat=True).distinct()
    return tuple(ImageClass(dataset.modality, label) for label in labels)


def channels_of(dataset: Dataset) -> int:
    """How many channels a model of this dataset learns: three where colour is the finding."""
    return 3 if dataset.modality == Modality.MICROSCOPY else 1
