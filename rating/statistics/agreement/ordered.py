"""Agreement on the scale real < unsure < fake, where a step apart is half a disagreement."""

from __future__ import annotations

from rating.statistics.agreement.alpha import alpha
from rating.statistics.agreement.coefficients import coefficients
from rating.statistics.agreement.weights import linear
from rating.statistics.arrays import Floats, Ints
from rating.statistics.estimate import Estimate
from rating.statistics.ratings_table import LABELS

SCALE = ("real", "unsure", "fake")


def agreement_on_the_scale(counts: Ints | Floats) -> dict[str, Estimate]:
    """The weighted coefficients of a matrix images × LABELS: linear weights, and Krippendorff's own ordinal metric."""
    ordered = counts[:, [LABELS.index(label) for label in SCALE]]
    weighted = coefficients(ordered, linear(len(SCALE)))
    return {
        "percent_agreement": weighted["percent_agreement"],
        "fleiss_kappa": weighted["fleiss_kappa"],
        "gwet_ac2": weighted["gwet_ac1"],
        "brennan_prediger": weighted["brennan_prediger"],
        "krippendorff_ordinal": alpha(ordered, "ordinal"),
    }
