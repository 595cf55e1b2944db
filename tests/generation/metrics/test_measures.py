"""Diversity, spectra and the machine rater on images whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from sklearn.metrics import roc_auc_score

from generation.metrics.diversity import ms_ssim, random_pairs, scales_for
from generation.metrics.machine_rater import TooFewToTellError, auc_with_interval, occlusion_map, rate
from generation.metrics.report_numbers import wilson
from generation.metrics.spectra import grey_distance, histograms, radial_spectra, spectral_distance
from tests.generation.metrics.image_samples import patients


def test_every_pair_is_drawn_once_and_none_twice() -> None:
    pairs = random_pairs(12, most=1000)

    assert sorted(map(tuple, pairs.tolist())) == [(i, j) for i in range(12) for j in range(i + 1, 12)]
    assert len({tuple(pair) for pair in random_pairs(5000, most=300).tolist()}) == 300


def test_the_same_image_again_and_again_is_wholly_alike_and_patients_are_not() -> None:
    same, different = np.repeat(patients([1]), 4, axis=0), patients(range(4))
    pairs = random_pairs(4)

    assert ms_ssim(same, pairs) == pytest.approx(1.0, abs=1e-5)
    assert ms_ssim(different, pairs).max() < 0.9


@pytest.mark.parametrize("side", [16, 32, 64, 92, 100, 128, 256])
def test_as_many_scales_as_fit_are_used_at_any_size(side: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (2, side, side), dtype=np.uint8)

    assert np.isfinite(ms_ssim(noise, random_pairs(2))).all()
    assert scales_for(256) == 5


def test_a_wave_has_its_power_at_its_own_frequency() -> None:
    across = np.arange(64)
    wave = (127 + 100 * np.sin(2 * np.pi * across * 16 / 64)).astype(np.uint8)

    found = radial_spectra(np.tile(wave, (1, 64, 1)))

    assert found.places[found.curves[0].argmax()] == pytest.approx(16 / 64)


def test_a_blurred_arm_lacks_high_frequencies_and_a_bright_one_differs_in_grey_alone() -> None:
    real = patients(range(12))
    blurred = gaussian_filter(real, (0, 1.5, 1.5))
    bright = np.clip(real.astype(int) + 25, 0, 255).astype(np.uint8)

    assert spectral_distance(radial_spectra(real), radial_spectra(blurred)) > 0.5
    assert spectral_distance(radial_spectra(real), radial_spectra(bright)) < 0.05
    assert grey_distance(histograms(real), histograms(bright)) == pytest.approx(25 / 255, abs=0.01)
    assert grey_distance(histograms(real), histograms(real)) == 0


def features(apart: float, *, each: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    dice = np.random.default_rng(4)
    rows = dice.normal(size=(2 * each, 6))
    rows[each:, 0] += apart
    return rows, np.repeat([False, True], each), np.arange(2 * each)


def test_the_machine_rater_tells_unlike_arms_and_only_guesses_at_like_ones() -> None:
    for apart, low, high in ((4.0, 0.97, 1.0), (0.0, 0.3, 0.7)):
        rows, fake, groups = features(apart)

        auc, interval = auc_with_interval(rate(rows, fake, groups).chance, fake, groups)

        assert low <= auc <= high
        assert interval
        assert interval[0] <= auc <= interval[1]


def test_arms_told_apart_without_a_mistake_have_no_interval_of_no_width() -> None:
    fake = np.repeat([False, True], 16)

    assert auc_with_interval(fake.astype(float), fake, np.arange(32)) == (1.0, None)


def test_a_patient_in_both_halves_would_betray_the_arm_and_does_not() -> None:
    """Noise that is the same for a patient's images says nothing of the arm; ungrouped folds would learn it by heart."""
    dice = np.random.default_rng(2)
    rows = np.repeat(dice.normal(size=(20, 40)), 6, axis=0) + dice.normal(0, 0.01, (120, 40))
    fake = np.repeat(dice.permutation(np.repeat([False, True], 10)), 6)
    patients_of = np.repeat(np.arange(20), 6)

    parted = auc_with_interval(rate(rows, fake, np.arange(120)).chance, fake, np.arange(120))[0]
    together = auc_with_interval(rate(rows, fake, patients_of).chance, fake, patients_of)[0]

    assert parted > 0.99
    assert together < 0.8


def test_the_weighted_auc_is_scikit_learns() -> None:
    dice = np.random.default_rng(1)
    chance, fake = np.round(dice.random(80), 1), dice.random(80) < 0.4

    assert auc_with_interval(chance, fake, np.arange(80))[0] == pytest.approx(roc_auc_score(fake, chance))


def test_too_few_patients_are_refused_in_words() -> None:
    rows, fake, _ = features(1.0, each=10)

    with pytest.raises(TooFewToTellError, match="one arm has 2"):
        rate(rows, fake, np.r_[np.arange(10), np.repeat([10, 11], 5)])


def test_the_map_points_at_the_planted_mark() -> None:
    """A checkerboard in one corner is what this rater goes by; blurred away, it is no longer sure."""
    image = np.full((64, 64), 100, dtype=np.uint8)
    image[8:16, 40:48] = np.indices((8, 8)).sum(axis=0) % 2 * 200

    found = occlusion_map(image, lambda versions: np.array([v[8:16, 40:48].std() / 100 for v in versions]))

    assert [int(place) for place in np.unravel_index(found.argmax(), found.shape)] == [1, 5]


def test_the_interval_of_a_share_is_wilsons() -> None:
    """81 of 263, as in Newcombe 1998, table I: 0.2553 to 0.3662."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
