"""What is trained on is drawn fairly, and planted leaks are found and told."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from generation.utility.arms import arms_of, stratified
from generation.utility.config import PRESETS, UtilityConfig, UtilityConfigError
from generation.utility.leakage import LeakCandidate, leaks
from pool.canonical.pixels import Pixels, fitted_square, pixel_sha256


def test_arms_are_real_synthetic_mixed_and_the_learning_curve() -> None:
    config = UtilityConfig(ratios=(1.0, 3.0), shares=(0.25,))

    arms, left_out = arms_of(config, real=100, synthetic=200)

    real, synthetic = np.arange(100) % 2, np.arange(200) % 2
    sizes = {arm.name: tuple(map(len, arm.rows(real, synthetic, seed=0))) for arm in arms}
    assert sizes == {
        "real only": (100, 0),
        "synthetic only": (0, 200),
        "real + 1× synthetic": (100, 100),
        "0.25 of synthetic": (0, 50),
    }
    assert left_out == ["“real + 3× synthetic” was left out: it needs 300 synthetic images, there are 200."]


def test_a_part_keeps_the_classes_in_proportion_and_lies_within_a_larger_part() -> None:
    numbers = np.array([0] * 90 + [1] * 30)

    small, large = (stratified(numbers, count, seed=0) for count in (40, 80))

    assert (numbers[small] == 1).sum() == 10
    assert set(small) < set(large)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_a_sound_config(preset: str) -> None:
    assert UtilityConfig.from_mapping({"preset": preset}).architectures


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"architectures": ["vgg"]}, "there is no architecture vgg"),
        ({"preset": "huge"}, "no preset 'huge'"),
        ({"stepz": 3}, "Unknown setting: stepz"),
        ({"shares": [1.5]}, "shares are above 0 and below 1"),
        ({"seeds": 0}, "seeds are from 1"),
    ],
)
def test_a_setting_that_cannot_be_is_named(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(UtilityConfigError, match=said):
        UtilityConfig.from_mapping(wrong)


def candidate(key: str, pixels: Pixels, *, patient: str = "", synthetic: bool = False) -> LeakCandidate:
    return LeakCandidate(key, patient, pixel_sha256(pixels), synthetic)


def sentences(*sides: list[LeakCandidate], copies: Iterable[tuple[str, str]] = ()) -> dict[str, str]:
    return {leak.kind: leak.sentence for leak in leaks(*sides, copies=copies)}


def scene(seed: int) -> Pixels:
    coarse = np.random.default_rng(seed).integers(0, 255, (24, 24), dtype=np.uint8)
    return fitted_square(coarse, side=96)


def test_clean_sides_have_no_leak() -> None:
    training = [candidate(f"t{k}", scene(k), patient=f"p{k}") for k in range(20)]
    test = [candidate(f"e{k}", scene(100 + k), patient=f"q{k}") for k in range(20)]

    assert sentences(training, test, training) == {}


def test_a_patient_on_both_sides_is_found() -> None:
    training = [candidate("t", scene(1), patient="ann")]
    test = [candidate("e", scene(2), patient="ann")]

    assert sentences(training, test, []) == {
        "patient": "1 patient with images in training and in the test split. Split the dataset by patient."
    }


def test_images_without_a_patient_are_not_one_patient() -> None:
    assert sentences([candidate("t", scene(1))], [candidate("e", scene(2))], []) == {}


def test_a_copy_that_the_search_gave_is_a_leak_and_the_sentence_says_whether_it_is_synthetic() -> None:
    training = [candidate("t", scene(3), synthetic=True), candidate("other", scene(5))]

    found = sentences(training, [candidate("e", scene(1))], [], copies=[("t", "e")])

    assert found["copy"].startswith(
        "1 training image is a copy or nearly a copy of a test image, 1 of them synthetic."
    )


def test_test_images_the_generator_has_learned_from_are_found() -> None:
    shown = scene(1)
    learned = [candidate("g", shown), candidate("h", scene(3), patient="bob")]
    test = [candidate("e", shown), candidate("f", scene(4), patient="bob")]

    found = sentences([], test, learned)

    assert found["generator"].startswith("2 test images are of what the generator was trained on")
