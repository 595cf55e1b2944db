"""What else a model is told of an image beside its class: categories and numbers, each by its name; no torch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from generation.diffusion.run_config import ConfigError

MOST_VALUES = 100
NOT_TOLD = math.nan
CHANGES = 7  # of an augmented image: shift across and down, scale, rotation, gain, offset, flip
WAVES = 4  # that a number is told by, beside itself


@dataclass(frozen=True)
class Attribute:
    """A category of these `values`, or without them a number from `low` to `high`; `dropout` is how often it is not told."""

    name: str
    values: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 1.0
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if not self.name or not (self.values or self.low < self.high):
            raise ConfigError("An attribute has a name, and values or numbers from low to a higher one.")
        if len(self.values) > MOST_VALUES:
            raise ConfigError(f"{self.name} has more than {MOST_VALUES} values; is it a number?")
        if not 0 <= self.dropout <= 1:
            raise ConfigError(f"The dropout of {self.name} must be from 0 to 1.")

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        return cls(**{**values, "values": tuple(values.get("values", ()))})

    def code(self, text: str) -> float:
        """The number of a category's value, or where a number lies from low to high, 0 to 1; not told is no number.

        Raises ConfigError for what the model does not know.
        """
        if not text:
            return NOT_TOLD
        if self.values:
            if text not in self.values:
                raise ConfigError(f"{self.name} is one of {', '.join(self.values)}, not {text!r}.")
            return float(self.values.index(text))
        number = number_of(text)
        if number is None or not self.low <= number <= self.high:
            raise ConfigError(f"{self.name} is a number from {self.low:g} to {self.high:g}, not {text!r}.")
        return (number - self.low) / (self.high - self.low)

    @property
    def columns(self) -> list[tuple[str, ...]]:
        """What each number says that a network is told of it: a value each, or a number by itself and a few waves."""
        parts = self.values or ("is told", "itself", *(f"wave {place}" for place in range(2 * WAVES)))
        return [("attribute", self.name, part) for part in parts]

    def __str__(self) -> str:
        what = "|".join(map(_as_asked, self.values)) if self.values else f"{self.low:g} to {self.high:g}"
        return f"{self.name} ({what})"


def _as_asked(value: str) -> str:
    """A value as somebody writes it who asks for it."""
    if not set(',|"') & set(value):
        return value
    return '"' + value.replace('"', '""') + '"'


def number_of(text: str) -> float | None:
    """The number of a text such as “61” or a DICOM age such as “061Y”."""
    try:
        number = float(text.removesuffix("Y"))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def told_in_words(attributes: Iterable[Attribute], values: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Each attribute, and of how many of the images it is not known and so never told."""
    return [
        f"{attribute}, {unknown_in_words(sum(attribute.name not in own for own in values.values()), len(values))}"
        for attribute in attributes
    ]


def unknown_in_words(unknown: int, images: int) -> str:
    return f"unknown of {unknown:,} of {images:,} images" if unknown else "known of every image"


def codes(attributes: Sequence[Attribute], values: Mapping[str, str]) -> list[float]:
    """What the network gets of one image, in the order of the attributes. Raises ConfigError."""
    if unknown := set(values) - {attribute.name for attribute in attributes}:
        names = ", ".join(map(str, attributes)) or "nothing but its finding"
        raise ConfigError(f"The model is not told of {', '.join(sorted(unknown))}; it is told of {names}.")
    return [attribute.code(values.get(attribute.name, "")) for attribute in attributes]


def table_of(rows: Sequence[Sequence[float]], attributes: Sequence[Attribute]) -> NDArray[np.float32]:
    """(n, attributes)"""
    return np.array(rows, dtype=np.float32).reshape(len(rows), len(attributes))
