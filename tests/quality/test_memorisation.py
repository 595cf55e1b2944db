"""Planted copies are found, and pictures of other people are not taken for copies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from generation.quality.extractors import extractor
from generation.quality.memorisation import Views, scan
from generation.quality.nearest import pixel_rows

Picture = NDArray[np.uint8]


def person(number: int) -> Picture:
    """A picture with structure of its own at every scale, all of one family."""
    dice = np.random.default_rng([5, number])
    layers = [ndimage.gaussian_filter(dice.normal(size=(64, 64)), width) * width for width in (1, 2, 4, 8)]
    body = np.exp(-(np.hypot(*np.mgrid[-1:1:64j, -1:1:64j]) ** 2))
    return np.asarray((90 + 60 * body + 25 * sum(layers)).clip(0, 255), dtype=np.uint8)


def views(pictures: list[Picture]) -> Views:
    return Views(pixel_rows(pictures), extractor().features(pictures))


def test_planted_copies_are_found_and_nobody_else_is_accused():
    training = [person(number) for number in range(150)]
    dice = np.random.default_rng(0)
    exact = training[3]
    brighter = (training[50] * 0.8 + 30).astype(np.uint8)
    noisy = (training[90] + dice.normal(0, 6, (64, 64))).clip(0, 255).astype(np.uint8)
    moved = np.roll(training[120], (3, -2), axis=(0, 1))
    mirrored = training[10][:, ::-1]
    planted = [exact, brighter, noisy, moved, mirrored]
    generated = [*(person(number) for number in range(1000, 1060)), *planted]
    held_out = [person(number) for number in range(2000, 2040)]

    found = scan(views(generated), views(training), views(held_out))

    assert found.copies == [60, 61, 62, 63, 64]
    named = {match.picture: match.by_pixels for match in found.matches}
    assert [named[place] for place in (60, 61, 62)] == [3, 50, 90]
    assert found.held_out == 40


def test_without_held_out_pictures_training_pictures_stand_in():
    training = [person(number) for number in range(40)]

    found = scan(views([person(99), training[7]]), views(training))

    assert found.copies == [1]
    assert found.held_out == 0


def test_one_training_picture_is_enough_to_look_for():
    found = scan(views([person(1), person(2)]), views([person(1)]))

    assert found.copies == [0]
