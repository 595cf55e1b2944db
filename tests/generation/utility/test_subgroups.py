"""Subgroups of the test images are scored as scikit-learn scores them, and no group is dropped in silence."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from generation.classifiers.resampling import Resampling
from generation.utility.report import Fitted, HeldOut, Measured
from generation.utility.subgroups import ResampledTest, gap_between, groups_of

IMAGES, SEEDS, RESAMPLES = 240, 2, 200


def probabilities_of(truth: np.ndarray, sexes: list[str], *, seed: int) -> np.ndarray:
    """(seeds, images, 2), better for women than for men."""
    dice = np.random.default_rng(seed)
    skill = np.where(np.array(sexes) == "F", 1.5, 0.4)
    logits = np.round(dice.normal(size=(SEEDS, len(truth))) + skill * (2 * truth - 1), 1)
    positive = 1 / (1 + np.exp(-logits))
    return np.stack([1 - positive, positive], axis=2)


def world() -> tuple[np.ndarray, list[str], list[str], np.ndarray]:
    """Truth, the patient of each image (two images a patient), sexes, probabilities."""
    patients = [f"p{place // 2}" for place in range(IMAGES)]
    truth = np.arange(IMAGES) // 2 % 2
    sexes = ["FM"[place // 4 % 2] for place in range(IMAGES)]
    return truth, patients, sexes, probabilities_of(truth, sexes, seed=3)


def test_the_gap_and_its_interval_are_those_of_scikit_learn_on_the_same_resamples() -> None:
    truth, patients, sexes, probabilities = world()
    draw = Resampling.of(truth, patients, seeds=SEEDS, resamples=RESAMPLES, seed=0)

    row = gap_between(
        ("real only", "resnet18"),
        "sex",
        sexes,
        probabilities,
        ResampledTest(truth, patients, ("a", "b"), draw),
    )

    def auc(sex: str, counts: np.ndarray, seeds: np.ndarray) -> float:
        places = np.repeat(np.arange(IMAGES), counts.astype(int))
        places = places[np.array(sexes)[places] == sex]
        scores = [roc_auc_score(truth[places], probabilities[seed, places, 1]) for seed in seeds]
        return float(np.mean(scores))

    def gap(counts: np.ndarray, seeds: np.ndarray) -> float:
        return auc("F", counts, seeds) - auc("M", counts, seeds)

    both = np.arange(SEEDS)
    again = [gap(counts, seeds) for counts, seeds in zip(draw.counts[1:], draw.seeds, strict=True)]
    assert (row.best, row.worst, row.unknown, row.too_small) == ("F", "M", 0, [])
    assert [(each.group, each.images, each.patients) for each in row.groups] == [
        ("F", 120, 60),
        ("M", 120, 60),
    ]
    assert row.groups[0].auc.estimate == pytest.approx(auc("F", draw.counts[0], both))
    assert row.gap.estimate == pytest.approx(gap(draw.counts[0], both))
    assert row.gap.ci == pytest.approx(tuple(np.quantile(again, [0.025, 0.975])))


def test_groups_too_small_and_images_without_a_value_are_named_and_an_attribute_nobody_stored_too() -> None:
    truth, patients, _, probabilities = world()
    sites = ["A"] * 100 + ["B"] * 8 + [""] * 12 + ["C"] * 120
    fitted = [Fitted(arm, "resnet18", 8, 8, probabilities[:1]) for arm in ("real only", "synthetic only")]
    test = HeldOut(truth, patients, ("nodule", "normal"), {"site": sites, "scanner": [""] * IMAGES})

    report = Measured.of(fitted, test, resamples=200, seed=0).report()

    first = report.subgroups[0]
    assert [each.group for each in first.groups] == ["A", "C"]
    assert [(each.group, each.images, each.finding, each.of_finding) for each in first.too_small] == [
        ("B", 8, "nodule", 4)
    ]
    assert first.unknown == 12
    assert {row.attribute for row in report.subgroups} == {"site"}
    assert "No test image has a stored scanner." in report.notes


def test_of_one_group_alone_there_is_no_gap_but_a_reason() -> None:
    truth, patients, _, probabilities = world()
    draw = Resampling.of(truth, patients, seeds=SEEDS, resamples=RESAMPLES, seed=0)

    row = gap_between(
        ("real only", "resnet18"),
        "view",
        ["PA"] * IMAGES,
        probabilities,
        ResampledTest(truth, patients, ("a", "b"), draw),
    )

    assert (row.gap.estimate, row.worst) == (None, "")
    assert row.gap.reason == "Fewer than two groups have 5 images of each finding."


def test_many_numbers_are_told_apart_by_the_fourth_in_which_they_lie_and_words_and_few_numbers_by_themselves() -> (
    None
):
    bmi = [str(number) for number in range(1, 102)]

    groups = groups_of([*bmi, ""])

    assert groups_of(["GE", "Siemens", ""]) == ["GE", "Siemens", ""]
    assert groups_of(["1.5", "3", "3"] * 9) == ["1.5", "3", "3"] * 9
    assert groups_of([*bmi, "much"]) == [*bmi, "much"]
    assert [groups.count(name) for name in dict.fromkeys(groups)] == [26, 25, 25, 25, 1]
    assert (groups[0], groups[25], groups[26], groups[100], groups[101]) == (
        *("1 to 26", "1 to 26", "above 26 to 51", "above 76 to 101", ""),
    )
