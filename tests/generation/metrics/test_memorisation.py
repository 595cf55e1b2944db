"""A checkpoint's scan finds planted copies by the rule of the quality report, and accuses nobody else."""

from __future__ import annotations

from typing import Any

import numpy as np

from generation.metrics.memorisation import Views, copied, scan
from pool.copies.rule import calibrate
from pool.copies.structure import structures
from tests.generation.metrics.image_samples import GridExtractor, patient, patients


def views(images: Any) -> Views:
    return Views(structures(images), GridExtractor().features(images))


def test_planted_copies_are_found_and_nobody_else_is_accused() -> None:
    training = patients(range(80))
    dice = np.random.default_rng(0)
    planted = [
        training[3],
        (training[50] * 0.8 + 30).astype(np.uint8),
        (training[60] + dice.normal(0, 6, training[60].shape)).clip(0, 255).astype(np.uint8),
        np.roll(training[70], (3, -2), axis=(0, 1)),
        training[10][:, ::-1],
    ]
    known = views(training)
    rule = calibrate(training, known.structures, [""] * 80)

    found = scan(views(np.stack([*patients(range(1000, 1040)), *planted])), known, rule)

    assert copied(found) == [40, 41, 42, 43, 44]
    named = {match.image: match.by_pixels for match in found}
    assert [named[place] for place in copied(found)] == [3, 50, 60, 70, 10]
    assert {match.image for match in found[:5]} == set(copied(found))


def test_one_training_image_is_enough_to_look_for() -> None:
    known = patients([1])
    rule = calibrate(known, structures(known), [""])

    found = scan(views(np.stack([patient(1), patient(2)])), views(known), rule)

    assert copied(found) == [0]
