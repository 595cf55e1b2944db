"""Every worked example comes out as published, or as two independent programs computed it."""

from typing import Any

import numpy as np
import pytest

from . import worked_agreement, worked_more, worked_truth  # noqa: F401  they register their answers
from .worked import ANSWERS, Example, examples

pytestmark = pytest.mark.filterwarnings("error")

# Methods that LungRater does not offer; another one answers the same question.
KEYS_NOT_OFFERED = {
    *(
        "profile_ci",
        "percentile",
        "z0",
        "acceleration",
        "bootstrap_se",
        "undefined_share",
    ),  # BCa, goodness of fit
    *("wald_unclipped", "arcsine", "newcombe_score"),  # logit
    *("hettmansperger_sheather", "order"),  # order statistics, by value
    *("unequal_variance", "equal_variance", "uncorrected"),  # two cuts, log-linear
    *("stacked_kappa", "stacked_kappa_se_by_image"),  # of pooled self-agreement De Vries' kappa
    *("var_error", "cov2", "by_rater", "p", "difference_is", "power_at_2000"),
}
EXAMPLES_NOT_OFFERED = {
    "bt-random-rater-8": "raters are taken into account by the sandwich, not by a random effect",
    "auc-perfect-20-20": "a complete parting has the exact bound of the smaller group",
    "paired-bentur": "Tango's and Newcombe's paired intervals: McNemar's exact test stands there",
    "paired-zero-c": "Tango's and Newcombe's paired intervals",
    "vandyke-or-jackknife-3-readers": "covariances are DeLong's, not the jackknife's",
    "or-jackknife-three-answers-4x44": "covariances are DeLong's",
    "or-jackknife-five-levels-3x60": "covariances are DeLong's",
    "vandyke-single-1-readers-1-4": "covariances are DeLong's",
    "vandyke-fixed-readers": "two treatments are not compared; covariances are DeLong's",
    "fixed-delong-3x60": "two treatments are not compared",
    "coverage-gof-20-seed": "bench/coverage.py prints it",
    "coverage-gof-40-balanced": "bench/coverage.py prints it",
    "policies-tellers": "tested by definition in test_whole_report.py; standard errors here are not the jackknife's",
    "policies-guessers-uneven": "as above",
    "tost-auc-random-readers-5x80": "as above: one treatment, random readers",
}
TOPICS_NOT_OFFERED = {
    "SUS",
    "psychometric threshold",
    "JAFROC / LROC figure of merit",
}


def left_out(example: Example) -> bool:
    return example["id"] in EXAMPLES_NOT_OFFERED or example.get("topic") in TOPICS_NOT_OFFERED


def test_there_are_130_examples_and_what_is_not_offered_is_named() -> None:
    assert len(examples()) == 130
    offered = {found["id"] for found in examples() if not left_out(found)}
    assert offered <= set(ANSWERS)
    assert not {found["id"] for found in examples() if left_out(found)} & set(ANSWERS)


@pytest.mark.parametrize(
    "example", [pytest.param(found, id=found["id"]) for found in examples() if not left_out(found)]
)
def test_the_program_gives_the_published_numbers(example: Example) -> None:
    answer = ANSWERS[example["id"]](example)

    assert set(answer) & set(example["expected"])
    difference = different(answer, example["expected"], example["tolerance"])
    assert difference is None, difference


def different(found: Any, expected: Any, tolerance: float, name: str = "") -> str | None:
    """Where the two differ by more than the tolerance; undefined only where undefined is expected."""
    if isinstance(expected, dict) and found is not None:
        for key, value in expected.items():
            if key not in found:
                if key not in KEYS_NOT_OFFERED:
                    return f"{name}.{key} is missing"
            elif problem := different(found[key], value, tolerance, f"{name}.{key}"):
                return problem
        return None
    if isinstance(expected, list) and expected and isinstance(expected[0], dict):
        if len(found) != len(expected):
            return f"{name} has {len(found)} rows for {len(expected)}"
        rows = zip(found, expected, strict=True)
        return next(filter(None, (different(a, b, tolerance, f"{name}[]") for a, b in rows)), None)
    same = _same(found, expected, tolerance)
    return None if same else f"{name}: {found} for {expected}"


def _same(found: Any, expected: Any, tolerance: float) -> bool:
    if expected is None or isinstance(expected, bool):
        return found is expected
    if isinstance(expected, str) or (
        isinstance(expected, list) and expected and isinstance(expected[0], str)
    ):
        return bool(found == expected)
    numbers = np.asarray(found, dtype=np.float64)
    wanted = np.asarray(expected, dtype=np.float64)
    return numbers.shape == wanted.shape and bool(np.all(np.abs(numbers - wanted) <= tolerance))
