"""Planted copies are all found at one false alarm in a hundred, on drawings and on real images."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pool.canonical.pixels import fitted_square
from pool.copies.rule import UNMEASURED, altered, calibrate
from pool.copies.search import grouped, nearest, nearest_within, pairs_of
from pool.copies.structure import structures
from pool.imports.raster import decode
from tests.generation.metrics.image_samples import patients

NIH, EACH = "muhammedtalo", 100


@pytest.fixture(scope="module")
def xrays(shared_data: Path) -> tuple[np.ndarray, list[str]]:
    folder = shared_data / "xray"
    with (folder / "manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["source_repo"].startswith(NIH)][: 2 * EACH]
    return (
        np.stack([fitted_square(decode((folder / row["file"]).read_bytes()), side=128) for row in rows]),
        [row["patient_group"] for row in rows],
    )


def test_planted_copies_of_real_xrays_are_all_caught_and_others_are_not(
    xrays: tuple[np.ndarray, list[str]],
) -> None:
    images, groups = xrays
    known, unseen = images[:EACH], images[EACH:]
    dice = np.random.default_rng(5)
    planted = np.stack([altered(image, dice) for image in known])
    found = structures(known)
    calibration = calibrate(known, found, groups[:EACH])

    copies, strangers = nearest(structures(planted), found), nearest(structures(unseen), found)

    assert copies.place.tolist() == list(range(EACH))
    assert (copies.similarity >= calibration.threshold).all()
    assert (strangers.similarity >= calibration.threshold).sum() <= EACH // 100
    assert calibration.caught == calibration.planted == EACH // 2
    assert calibration.false_alarms <= calibration.checked / 100


@pytest.mark.parametrize(
    "change", ["mirrored", "shifted", "brighter", "noisy", "inverted", "turned", "turned back", "cropped"]
)
def test_each_kind_of_copy_is_found(change: str) -> None:
    images = patients(range(40))
    changed = {
        "mirrored": images[:, :, ::-1],
        "shifted": np.roll(images, (3, -3), axis=(1, 2)),
        "brighter": np.clip(images * 1.2 + 10, 0, 255).astype(np.uint8),
        "noisy": np.clip(images + np.random.default_rng(0).normal(0, 5, images.shape), 0, 255).astype(
            np.uint8
        ),
        "inverted": 255 - images,
        "turned": each(images, lambda image: image.rotate(9, Image.Resampling.BILINEAR)),
        "turned back": each(images, lambda image: image.rotate(-10, Image.Resampling.BILINEAR)),
        "cropped": each(
            images, lambda image: image.resize(image.size, box=(8, 8, image.width - 8, image.height - 8))
        ),
    }[change]
    known = structures(images)
    threshold = calibrate(images, known, [""] * 40).threshold

    found = nearest(structures(changed), known)

    assert found.place.tolist() == list(range(40))
    assert found.similarity.min() >= threshold


def each(images: np.ndarray, change: Callable[[Image.Image], Image.Image]) -> np.ndarray:
    return np.stack([np.asarray(change(Image.fromarray(image))) for image in images])


def test_another_image_of_the_same_patient_is_no_false_alarm() -> None:
    """Two of each patient: they resemble each other, which must not push the threshold out of reach."""
    images = patients([*range(30), *range(30)])
    images[30:] = np.roll(images[30:], 2, axis=2)
    patients_of = [f"p{number % 30}" for number in range(60)]

    calibration = calibrate(images, structures(images), patients_of)

    assert calibration.caught == calibration.planted
    assert calibration.threshold < 0.95


def test_repeats_within_an_arm_are_listed_once() -> None:
    images = patients(range(20))
    images[7] = images[3, :, ::-1]

    assert pairs_of(nearest_within(structures(images)), 0.9) == [(3, 7)]


def test_of_too_few_real_images_only_what_is_nearly_the_same_counts_and_the_rule_says_so() -> None:
    images = patients(range(5))

    rule = calibrate(images, structures(images), [""] * 5)

    assert (rule.threshold, rule.planted) == (UNMEASURED, 0)
    assert "20 real images or more; here are 5" in rule.reason


def test_of_one_patients_images_only_what_is_nearly_the_same_counts_and_the_rule_says_so() -> None:
    images = patients(range(40))

    rule = calibrate(images, structures(images), ["A"] * 40)

    assert (rule.threshold, rule.planted) == (UNMEASURED, 0)
    assert "too few patients" in rule.reason


def test_images_joined_by_a_patient_or_by_pairs_share_a_group() -> None:
    groups = grouped(6, [(0, 1), (1, 2)], ["", "", "", "A", "A", ""]).tolist()

    assert groups[0] == groups[1] == groups[2]
    assert groups[3] == groups[4]
    assert len(set(groups)) == 3


def test_nothing_to_compare_with_gives_no_neighbour() -> None:
    shown = structures(patients(range(2)))

    found = nearest(shown, structures(np.empty((0, 96, 96), dtype=np.uint8)))

    assert found.place.tolist() == [-1, -1]
