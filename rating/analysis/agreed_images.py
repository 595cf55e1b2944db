"""Which images raters called the same: called real by all, called fake by two or more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CalledImage:
    """An image with every rater's label for it."""

    image: str
    modality: str
    truth: str
    labels: Mapping[str, str]

    def called(self, label: str) -> int:
        """How many raters gave it this label."""
        return sum(given == label for given in self.labels.values())


def called_images(rows: Iterable[tuple[str, str, str, str, str]]) -> list[CalledImage]:
    """One entry per image of (rater, image, modality, truth, label) rows, in the rows' order of images."""
    facts: dict[str, tuple[str, str]] = {}
    labels: dict[str, dict[str, str]] = {}
    for rater, image, modality, truth, label in rows:
        facts[image] = (modality, truth)
        labels.setdefault(image, {})[rater] = label
    return [CalledImage(image, *facts[image], labels[image]) for image in sorted(facts)]


def called_real_by_all(images: Iterable[CalledImage]) -> list[CalledImage]:
    """Images at least two raters saw and every one of them called real."""
    return [image for image in images if len(image.labels) > 1 and image.called("real") == len(image.labels)]


def called_fake_by_two_or_more(images: Iterable[CalledImage]) -> list[CalledImage]:
    """Images at least two raters called fake."""
    return [image for image in images if image.called("fake") > 1]
