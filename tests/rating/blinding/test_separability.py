"""The classifier finds what is there, and its band holds what luck does."""

import numpy as np
import pytest

from rating.blinding.separability import FEWEST, separability


def two_arms(each: int) -> np.ndarray:
    return np.arange(2 * each) >= each


def test_luck_alarms_as_often_as_promised():
    generator = np.random.default_rng(2022)
    ps = [
        separability(generator.normal(size=(40, 12)), two_arms(20), seed=seed, shuffles=199).p
        for seed in range(150)
    ]

    # 15 of 150 are expected at 0.1, with a standard deviation of 3.7.
    assert 4 <= sum(p <= 0.1 for p in ps) <= 27
    assert sum(p < 0.01 for p in ps) <= 5


def test_one_feature_that_tells_is_found_among_many():
    features = np.random.default_rng(1).normal(size=(80, 30))
    features[40:, 17] += 3

    result = separability(features, two_arms(40), seed=1)

    assert result.auc > 0.9
    assert result.p < 0.01
    assert result.auc > result.high


def test_what_tells_by_its_spread_alone_is_found_too():
    features = np.random.default_rng(2).normal(size=(120, 3))
    features[60:, 1] *= 4

    assert separability(features, two_arms(60), seed=2).p < 0.01


def test_features_without_any_difference_give_chance_itself():
    result = separability(np.ones((40, 5)), two_arms(20), seed=3)

    assert (result.auc, result.low, result.high, result.p) == (0.5, 0.5, 0.5, 1.0)


def test_the_same_seed_gives_the_same_verdict():
    features = np.random.default_rng(4).normal(size=(40, 6))

    assert separability(features, two_arms(20), seed=5) == separability(features, two_arms(20), seed=5)


def test_fewer_than_ten_of_an_arm_are_refused():
    with pytest.raises(ValueError, match="fewer than 10"):
        separability(np.zeros((18, 2)), two_arms(FEWEST - 1), seed=1)


def test_a_thousand_images_take_seconds():
    features = np.random.default_rng(6).normal(size=(800, 24))

    assert 0 < separability(features, two_arms(400), seed=6, shuffles=200).p <= 1
