"""Intervals near a boundary: how often they hold is counted exactly or simulated, and compared with Wald's."""

from math import comb, log

import numpy as np
import pytest

from rating.statistics import LABELS, RatingsTable, agreement_report
from rating.statistics.accuracy.roc import auc
from rating.statistics.agreement.coefficients import coefficients
from rating.statistics.agreement.goodness_of_fit import kappa_interval
from rating.statistics.agreement.intervals import HOLDS_TOO_SELDOM

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize(
    ("images", "prevalence", "kappa", "coverage"), [(20, 0.125, 0.5, 0.9433), (40, 0.5, 0.5, 0.951)]
)
def test_the_goodness_of_fit_interval_holds_as_often_as_every_possible_table_says(
    images, prevalence, kappa, coverage
):
    p = np.array([prevalence, 1 - prevalence])
    both = kappa * p + (1 - kappa) * p**2
    held = defined = 0.0
    for a in range(images + 1):
        for b in range(images + 1 - a):
            d = images - a - b
            probability = (
                comb(images, a) * comb(images - a, b) * both[0] ** a * both[1] ** b * (1 - both.sum()) ** d
            )
            interval = kappa_interval([[a, d], [0, b]])
            if interval:
                defined += probability
                held += probability * (interval[0] - 1e-9 <= kappa <= interval[1] + 1e-9)

    assert held / defined == pytest.approx(coverage, abs=1e-3)


def studies(rng, raters, images, shares, kappa, n):
    names, codes = tuple(f"I{at}" for at in range(images)), []
    for _ in range(n):
        common = rng.choice(3, size=images, p=shares)
        own = rng.choice(3, size=(raters, images), p=shares)
        codes = np.where(rng.random(images) < kappa, common, own).astype(np.int8)
        yield RatingsTable(tuple(f"R{at}" for at in range(raters)), names, LABELS, codes)


def test_two_raters_and_a_skewed_label_get_an_interval_that_holds_where_walds_does_not():
    rng = np.random.default_rng(3)
    ours = wald = defined = 0
    for table in studies(rng, 2, 20, (0.125, 0.875, 0.0), 0.5, 300):
        value = agreement_report(table).coefficients["fleiss_kappa"]
        plain = coefficients(table.category_counts())["fleiss_kappa"]
        if value.ci and plain.ci:
            defined += 1
            ours += value.ci[0] <= 0.5 <= value.ci[1]
            wald += plain.ci[0] <= 0.5 <= plain.ci[1]

    assert ours / defined > 0.9
    assert wald / defined < 0.85


@pytest.mark.parametrize(
    ("raters", "images", "shares", "kappa"),
    [(3, 20, (0.1, 0.85, 0.05), 0.5), (10, 100, (0.05, 0.9, 0.05), 0.3)],
)
def test_where_no_interval_holds_a_sentence_says_so(raters, images, shares, kappa):
    """Of these designs 74 and 91 of 100 intervals held (docs/statistics.md)."""
    rng = np.random.default_rng(4)
    table = next(studies(rng, raters, images, shares, kappa, 1))

    assert agreement_report(table).coefficients["fleiss_kappa"].reason == HOLDS_TOO_SELDOM


def test_with_even_labels_and_middling_agreement_the_published_interval_stands():
    rng = np.random.default_rng(5)
    table = next(studies(rng, 5, 40, (0.4, 0.4, 0.2), 0.4, 1))

    report = agreement_report(table).coefficients

    assert report["gwet_ac1"] == coefficients(table.category_counts())["gwet_ac1"]


def test_the_interval_of_an_area_is_symmetric_on_the_logit_and_below_one():
    truth, scores = [0] * 20 + [1] * 20, [0] * 17 + [1] * 2 + [2] + [0] + [1] + [2] * 18

    area = auc(truth, scores)

    low, high = area.ci or (0, 1)
    assert area.estimate is not None
    middle = log(area.estimate / (1 - area.estimate))
    assert log(low / (1 - low)) + log(high / (1 - high)) == pytest.approx(2 * middle)
    assert high < 1
