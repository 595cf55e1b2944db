"""The scores are scikit-learn's, the intervals draw patients, the tests are the published ones."""

from __future__ import annotations

import json
from dataclasses import astuple

import numpy as np
import pytest
from sklearn import metrics

from generation.classifiers.comparisons import delong, mcnemar
from generation.classifiers.resampling import Resampling, SeededEstimate
from generation.classifiers.scores import reliability, scores, scores_by_class
from generation.utility.report import Fitted, HeldOut, Measured, in_words
from generation.utility.results import UtilityResults
from pool.canonical.typed_json import as_json, from_json
from rating.statistics.accuracy.roc import compare

ONES = np.ones((1, 200))


def called(classes: int, *, images: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Truth and probabilities with ties, better than chance."""
    dice = np.random.default_rng(seed)
    truth = dice.permutation(np.arange(images) % classes)
    logits = np.round(dice.normal(size=(images, classes)) + 1.2 * np.eye(classes)[truth], 1)
    return truth, np.round(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), 9)


@pytest.mark.parametrize("classes", [2, 4])
def test_scores_are_those_of_scikit_learn(classes: int) -> None:
    truth, probabilities = called(classes)
    guess = probabilities.argmax(axis=1)
    score = probabilities[:, 1] if classes == 2 else probabilities

    ours = {name: values[0] for name, values in scores(truth, probabilities, ONES).items()}

    assert ours["accuracy"] == pytest.approx(metrics.accuracy_score(truth, guess))
    assert ours["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(truth, guess))
    assert ours["precision"] == pytest.approx(metrics.precision_score(truth, guess, average="macro"))
    assert ours["recall"] == pytest.approx(metrics.recall_score(truth, guess, average="macro"))
    assert ours["f1"] == pytest.approx(metrics.f1_score(truth, guess, average="macro"))
    assert ours["auc"] == pytest.approx(metrics.roc_auc_score(truth, score, multi_class="ovr"))
    hot = np.eye(classes)[truth]
    assert ours["brier"] == pytest.approx(((probabilities - hot) ** 2).sum(axis=1).mean())


def test_a_resample_scores_as_if_its_images_had_been_repeated() -> None:
    truth, probabilities = called(3)
    counts = np.random.default_rng(1).integers(0, 4, (1, 200)).astype(float)
    repeated = np.repeat(np.arange(200), counts[0].astype(int))

    weighted = scores(truth, probabilities, counts)
    plain = scores(truth[repeated], probabilities[repeated], np.ones((1, len(repeated))))

    for name, values in plain.items():
        assert weighted[name] == pytest.approx(values), name


def test_the_precision_of_a_class_nobody_called_is_0() -> None:
    truth, probabilities = np.array([0, 1, 0, 1]), np.array([[0.9, 0.1]] * 4)

    by_class = scores_by_class(truth, probabilities, np.ones((1, 4)))

    assert by_class["precision"].tolist() == [[0.5, 0.0]]
    assert by_class["auc"].tolist() == [[0.5, 0.5]]


def test_calibration_error_and_reliability_are_those_worked_by_hand() -> None:
    truth = np.array([0, 0, 1, 1])
    probabilities = np.array([[0.95, 0.05], [0.95, 0.05], [0.65, 0.35], [0.65, 0.35]])

    error = scores(truth, probabilities, np.ones((1, 4)))["ece"][0]

    assert error == pytest.approx((0.05 + 0.65) / 2)
    low, high = reliability(truth, probabilities)
    assert astuple(low) == (pytest.approx(0.65), 0.0, 2)
    assert astuple(high) == (pytest.approx(0.95), 1.0, 2)


def test_intervals_of_patients_with_many_images_are_wider_than_those_of_single_images() -> None:
    dice = np.random.default_rng(0)
    truth = np.repeat(np.arange(40) % 2, 10)
    right_of_patient = np.repeat(dice.random(40) < 0.7, 10)  # a patient's images are right or wrong together
    sure = np.where(right_of_patient, truth, 1 - truth)
    probabilities = np.stack([1 - sure, sure], axis=1) * 0.8 + 0.1

    def width(patients: list[str]) -> float:
        draw = Resampling.of(truth, patients, seeds=1, resamples=1000, seed=0)
        ci = draw.estimate(scores(truth, probabilities, draw.counts)["accuracy"][None]).ci
        assert ci is not None
        return ci[1] - ci[0]

    by_patient = width([f"p{place // 10}" for place in range(400)])
    by_image = width([f"i{place}" for place in range(400)])
    assert by_patient > 2 * by_image


def test_the_bootstrap_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(200):
        dice = np.random.default_rng([9, seed])
        truth = np.arange(120) % 2
        right = np.repeat(dice.random(60) < 0.75, 2)  # two images a patient
        call = np.where(right, truth, 1 - truth)
        probabilities = np.stack([1 - call, call], axis=1).astype(float)
        patients = [str(place // 2) for place in range(120)]
        draw = Resampling.of(truth, patients, seeds=1, resamples=300, seed=seed)
        ci = draw.estimate(scores(truth, probabilities, draw.counts)["accuracy"][None]).ci
        covered += ci is not None and ci[0] <= 0.75 <= ci[1]

    assert 0.88 <= covered / 200 <= 0.99


def test_a_perfect_score_keeps_an_interval() -> None:
    draw = Resampling.of(np.array([0, 1] * 10), [str(k) for k in range(20)], seeds=1, resamples=200, seed=0)

    perfect = draw.estimate(np.ones((1, 201)))

    assert perfect.ci == pytest.approx((0.025 ** (1 / 20), 1.0))


def test_one_patient_of_a_class_gives_a_reason_instead_of_an_interval() -> None:
    draw = Resampling.of(np.array([0, 0, 1, 1]), ["a", "b", "c", "c"], seeds=1, resamples=200, seed=0)

    estimate = draw.estimate(np.full((1, 201), 0.5))

    assert estimate.ci is None
    assert "single test patient" in str(estimate.reason)


def test_delong_is_that_of_the_rating_side_and_mcnemar_the_binomial_one() -> None:
    truth, one = called(2)
    _, other = called(2, seed=5)

    ours, theirs = delong(truth == 1, one[:, 1], other[:, 1]), compare(truth, one[:, 1], other[:, 1])

    assert ours.difference == pytest.approx(theirs.difference.estimate)
    assert ours.z == pytest.approx(theirs.z)
    assert ours.p == pytest.approx(theirs.p, rel=1e-6, abs=0)
    table = mcnemar(np.array([1] * 10), np.eye(2)[[1] * 8 + [0] * 2], np.eye(2)[[0] * 7 + [1] * 3])
    assert (table.only_first, table.only_second) == (7, 2)
    assert table.p == pytest.approx(0.1796875)  # 2 × P(X ≤ 2), X ~ Bin(9, ½)


def fits(classes: int = 2, seeds: int = 2) -> tuple[list[Fitted], HeldOut]:
    truth, good = called(classes)
    _, noise = called(classes, seed=3)
    patients = [f"p{place // 2}" for place in range(200)]
    rows = [("real only", 100, 0, good), ("synthetic only", 0, 80, noise), ("0.5 of synthetic", 0, 40, noise)]
    fitted = [
        Fitted(arm, architecture, real, synthetic, np.stack([values] * seeds))
        for architecture in ("resnet18", "densenet121")
        for arm, real, synthetic, values in rows
    ]
    return fitted, HeldOut(truth, patients, tuple("abcd"[:classes]))


@pytest.mark.parametrize("classes", [2, 3])
def test_the_report_holds_every_number_and_its_headline_is_the_gap(classes: int) -> None:
    fitted, test = fits(classes)

    report = Measured.of(fitted, test, resamples=300, seed=0).report()

    gap = report.headline.balanced_accuracy.mean
    assert gap.ci is not None
    assert gap.estimate is not None
    assert gap.ci[0] < gap.estimate < gap.ci[1] < 0
    assert len(report.arms) == 6
    for arm in report.arms:
        assert set(arm.scores) == {
            *("accuracy", "balanced_accuracy", "precision", "recall", "f1", "auc", "ece", "brier")
        }
        assert all(score.estimate is not None for score in arm.scores.values())
        assert sum(map(sum, arm.confusion)) == 200
    assert {gap.arm for gap in report.gaps} == {"synthetic only", "0.5 of synthetic"}
    assert len(report.gaps[0].delong) == (1 if classes == 2 else 3)
    assert [point.synthetic for point in report.curve] == [40, 80, 40, 80]
    assert any("take images as independent" in line for line in report.not_concluded)


def test_the_report_is_the_same_after_its_way_through_json() -> None:
    report = Measured.of(*fits(), resamples=300, seed=0).report()

    read_again = from_json(UtilityResults, json.loads(json.dumps(as_json(report))))

    assert read_again == report


def test_an_undefined_number_is_a_dash() -> None:
    assert in_words(SeededEstimate(None)) == "–"
    assert in_words(SeededEstimate(0.5, (0.25, 0.75))) == "0.500 (0.250 to 0.750)"
