"""Planted copies are all found at one false alarm in a hundred, on drawings and on real images."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from pool.canonical.pixels import fitted_square
from pool.copies.rule import UNMEASURED, Likeness, Strangers, altered, calibrate
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
    assert calibration.checked == EACH
    assert calibration.false_alarms <= calibration.checked / 100


def texture(*seed: int) -> Any:
    values = gaussian_filter(np.random.default_rng(seed).normal(size=(96, 96)), 1.6)
    return values / values.std()


def stack_slice(patient: int, part: int) -> Any:
    angle = np.random.default_rng([5, patient]).uniform(0, np.pi / 2, 6)[part]
    mixed = np.cos(angle) * texture(3, patient) + np.sin(angle) * texture(4, patient)
    return np.clip(128 + 40 * mixed, 0, 255).astype(np.uint8)


def alike(pool: int, number: int) -> Any:
    """Drawings by one program: the same fine structure in each, and some of its own."""
    own = np.random.default_rng([77, pool, number]).uniform(10, 34)
    return np.clip(128 + 38 * texture(1) + own * texture(2, pool, number), 0, 255).astype(np.uint8)


def test_drawings_as_alike_as_the_real_images_are_to_each_other_are_no_copies_however_few_there_are() -> None:
    """Dealt by chance to two arms of 24: the likest pair of a pool is as often across the arms as within one."""
    false_alarms = 0
    for pool in range(8):
        images = np.stack([alike(pool, number) for number in range(48)])
        real, fake = structures(images[:24]), structures(images[24:])
        rule = calibrate(images[:24], real, [""] * 24)
        false_alarms += int((nearest(fake, real).similarity >= rule.threshold).any())
        mirrored = structures(images[:24, :, ::-1])
        assert (nearest(mirrored, real).similarity >= rule.threshold).all()

    assert false_alarms == 0


def test_the_bar_is_the_quantile_of_as_many_comparisons_of_strangers_worked_by_hand() -> None:
    strangers = Strangers(middle=0.5, spread=0.1, patients=11)

    # Student's t with 10 degrees of freedom: 2.7638 is passed once in a hundred, 4.1437 once in a thousand.
    assert strangers.bar(1) == pytest.approx(np.tanh(0.5 + 0.1 * 2.7638), abs=1e-5)
    assert strangers.bar(10) == pytest.approx(np.tanh(0.5 + 0.1 * 4.1437), abs=1e-5)


def test_what_is_less_than_half_alike_is_no_copy_though_strangers_are_nothing_alike() -> None:
    nothing = np.zeros(20, dtype=np.float32)
    likeness = Likeness(Strangers(middle=0.0, spread=0.0, patients=30), nothing, nothing)

    assert likeness.rule(100).threshold == 0.5


def test_what_few_images_of_one_kind_share_counts_where_patients_are_named() -> None:
    """Of a hundred pairs five are as alike as images of one rare kind: no pair of one patient, so the spread is theirs too."""
    similarity = np.tanh(np.array([0.2] * 50 + [0.3] * 45 + [1.2] * 5, dtype=np.float32))

    unnamed, named = (Strangers.of(similarity, 30, named=known) for known in (False, True))

    assert named.bar(100) > 0.95
    assert unnamed.bar(100) < 0.5


def test_slices_of_one_patient_hide_no_copy_where_nobody_says_that_they_are_of_one() -> None:
    """Six slices of each of 16 stacks, from one texture to another: some nearly the same, some half alike."""
    images = np.stack([stack_slice(patient, part) for patient in range(16) for part in range(6)])

    rule = calibrate(images, structures(images), [""] * len(images))

    assert rule.caught == rule.planted == len(images) // 2
    assert rule.checked == 0


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
    assert "it takes 10 or more, here are 5" in rule.reason


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
