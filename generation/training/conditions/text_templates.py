"""The text of each image: a template in which `{caption}` or `{finding}, {view}` become what is known of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from generation.diffusion.run_config import ConfigError
from generation.training.conditions.attribute_values import FINDING, value_of
from pool.canonical.attributes import names_in
from pool.canonical.texts import line
from pool.imports.columns import LONGEST_VALUE
from pool.models import Dataset, Image
from pool.splits import training_images

VARIABLE = re.compile(r"\{([^\W\d]\w*)\}")
MODALITY = "modality"


@dataclass(frozen=True)
class Texts:
    """By the key of each training image, "" where nothing is known that it could say."""

    template: str
    by_image: Mapping[str, str]


def columns_in(template: str) -> list[str]:
    return list(dict.fromkeys(VARIABLE.findall(template)))


def filled(template: str, look_up: Callable[[str], str]) -> str:
    """The template with what is known in it, on one line; empty where nothing is, and without what stands empty
    between two commas where something is not.
    """
    values = {name: look_up(name) for name in columns_in(template)}
    if not any(values.values()):
        return ""
    text = VARIABLE.sub(lambda match: values[match[1]], template)
    if not all(values.values()):
        text = ", ".join(filter(None, (line(part) for part in text.split(","))))
    return line(text, most=LONGEST_VALUE)


def texts_of(template: str, dataset: Dataset, table: Mapping[str, Mapping[str, str]]) -> Texts:
    """The text of every training image. Raises ConfigError."""
    names = columns_in(template)
    if not names or set("{}") & set(VARIABLE.sub("", template)):
        raise ConfigError("A text names what differs in braces, such as “{caption}” or “{finding}, {view}”.")
    images = _images(dataset)
    _check_known(names, images, table)
    texts = {str(image.pk): filled(template, partial(_value, image, table)) for image in images}
    if len(set(texts.values()) - {""}) < 2:
        raise ConfigError("The training images do not differ in their text: there is nothing to learn of it.")
    return Texts(template, texts)


def check_columns(template: str, dataset: Dataset) -> None:
    """Raises ConfigError where a prompt names what no training image has."""
    if names := [name for name in columns_in(template) if name not in {MODALITY, FINDING}]:
        _check_known(names, _images(dataset), {})


def distinct_prompts(template: str, dataset: Dataset) -> int:
    """How many different prompts, but for the empty one, a fine-tuning would make of this template."""
    return len({prompt_of(image, template) for image in _images(dataset)} - {""})


def _check_known(
    names: Iterable[str], images: Sequence[Image], table: Mapping[str, Mapping[str, str]]
) -> None:
    for name in names:
        if not any(_value(image, table, name) for image in images):
            stored_names = ", ".join(names_in(image.provenance for image in images)) or "nothing"
            raise ConfigError(
                f"No training image has a value of {name}; the pool knows of them: {stored_names}."
            )


def _images(dataset: Dataset) -> list[Image]:
    columns = ("pk", "label", "modality", "provenance", "source_name", "dataset")
    return list(training_images(dataset).only(*columns))


def prompt_of(image: Image, template: str) -> str:
    """A fine-tuning's prompt: the template with this image's finding, modality or whatever else is known of it in it."""
    return VARIABLE.sub(lambda match: _value(image, {}, match[1]), template).strip(" ,")


def _value(image: Image, table: Mapping[str, Mapping[str, str]], name: str) -> str:
    return image.get_modality_display() if name == MODALITY else value_of(image, name, table)
