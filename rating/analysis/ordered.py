"""Agreement on the scale real < unsure < fake, where a step apart is half a disagreement."""

from __future__ import annotations

from rating.analysis.agreement import (
    NOTHING_TWICE,
    Items,
    brennan_prediger,
    fleiss_kappa,
    gwet_ac,
    percent_agreement,
)
from rating.analysis.alpha import alpha
from rating.analysis.arrays import Floats, Ints
from rating.analysis.estimate import Estimate
from rating.analysis.table import LABELS
from rating.analysis.weights import linear

SCALE = ("real", "unsure", "fake")
WEIGHTED = {
    "percent_agreement": percent_agreement,
    "fleiss_kappa": fleiss_kappa,
    "gwet_ac2": gwet_ac,
    "brennan_prediger": brennan_prediger,
}


def agreement_on_the_scale(counts: Ints | Floats) -> dict[str, Estimate]:
    """The weighted coefficients of a matrix images × LABELS; linear weights, and Krippendorff's own ordinal metric."""
    ordered = counts[:, [LABELS.index(label) for label in SCALE]]
    items = Items.of(ordered, linear(len(SCALE)))
    nothing = Estimate.undefined(NOTHING_TWICE) if items.pairs == 0 else None
    return {
        **{name: nothing or coefficient(items) for name, coefficient in WEIGHTED.items()},
        "krippendorff_ordinal": alpha(ordered, "ordinal"),
    }
