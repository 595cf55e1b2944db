"""What a dataset says of the models that can be trained on it: their classes and their channels."""

from __future__ import annotations

from generation.diffusion.config import ConfigError, ImageClass
from pool.canonical.window_words import is_by_another_function, window_range
from pool.models import Dataset, Modality
from pool.splits import training_images


def classes_of(dataset: Dataset) -> tuple[ImageClass, ...]:
    """The findings a class-conditional model of this dataset can be asked for."""
    labels = training_images(dataset).order_by("label").values_list("label", flat=True).distinct()
    return tuple(ImageClass(dataset.modality, label) for label in labels)


def channels_of(dataset: Dataset) -> int:
    """How many channels a model of this dataset learns: three where colour is the finding."""
    return 3 if dataset.modality == Modality.MICROSCOPY else 1


def window_of(dataset: Dataset) -> str:
    """The window that all training images are shown under, as their provenance has it; "" where none has one.

    Raises ConfigError where they are not all on one scale (what sixteen bits of one mean would not be that of another), and
    where none has more than eight bits.
    """
    if not training_images(dataset).filter(bits__gt=8).exists():
        raise ConfigError(
            f"No training image of {dataset} has more than eight bits, so there is nothing more to learn in sixteen: train with "
            "bits = 8, or import deeper files."
        )
    windows = training_images(dataset).order_by().values_list("provenance__Window", flat=True).distinct()
    words = sorted({str(window or "") for window in windows})
    if other := next(filter(is_by_another_function, words), ""):
        raise ConfigError(
            "Sixteen bits are learned of grey levels from black at a window's lower end to white at its upper one, by DICOM's "
            f"LINEAR function; some of {dataset} are shown as {other}. Leave them out, or train with bits = 8."
        )
    ranges = {window_range(word) for word in words}
    if words not in ([], [""]) and (None in ranges or len(ranges) > 1):
        raise ConfigError(
            f"Sixteen bits are learned of images that are all shown under one window; those of {dataset} are not. "
            "Show them under one: Another window, or lungrater rewindow."
        )
    return words[0] if words else ""
