"""How sharply a study as planned would answer its primary question, in one line. No Django."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from rating.statistics.accuracy.roc import hanley_mcneil_se
from rating.statistics.planning import kappa_lower_end
from rating.studies.planner import fool_rate_half_width

RATERS, SPREAD = 5, 0.15
NORMAL_95 = 1.96
RATE, AREA, KAPPA = 0.5, 0.75, 0.4


class Precision(NamedTuple):
    quantity: str
    sentence: str


def precision(endpoint: str, real: int, generated: int) -> Precision | None:
    """None where the images do not let the endpoint be measured, or no formula here plans for it."""
    plan = PLANS.get(endpoint)
    return plan(real, generated) if plan else None


def _fool_rate(_real: int, generated: int) -> Precision | None:
    return _share("Fool rate", generated) if generated else None


def _accuracy(real: int, generated: int) -> Precision | None:
    return _share("Accuracy", real + generated) if real and generated else None


def _share(quantity: str, images: int) -> Precision:
    half = fool_rate_half_width(RATE, SPREAD, RATERS, images)
    assumption = f"95 % interval at {RATE:g}, raters spread by {SPREAD:g}"
    return Precision(quantity, f"± {half:.2f} with {RATERS} raters ({assumption})")


def _auc(real: int, generated: int) -> Precision | None:
    if not real or not generated:
        return None
    half = NORMAL_95 * hanley_mcneil_se(AREA, generated, real)
    return Precision("AUC", f"± {half:.2f} for one rater (95 % interval at {AREA:g})")


def _agreement(real: int, generated: int) -> Precision | None:
    images = real + generated
    if not images:
        return None
    low = kappa_lower_end(KAPPA, (0.5, 0.5), RATERS, images)
    reached = f"from {low:.2f}" if low else "from 0 or below"
    return Precision("κ", f"{reached} with {RATERS} raters (95 % interval where {KAPPA:g} is found)")


PLANS: dict[str, Callable[[int, int], Precision | None]] = {
    "fool rate": _fool_rate,
    "accuracy": _accuracy,
    "auc": _auc,
    "agreement": _agreement,
}
