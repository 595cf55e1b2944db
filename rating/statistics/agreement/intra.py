"""How well each rater agrees with himself: images shown a second time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rating.statistics.agreement.cohen import Cohen, cohen
from rating.statistics.arrays import Codes
from rating.statistics.estimate import Estimate
from rating.statistics.mrmc import ustatistic
from rating.statistics.mrmc.fixed_raters import with_these_raters
from rating.statistics.mrmc.moments import RandomMean
from rating.statistics.proportions import wilson


@dataclass(frozen=True, slots=True)
class SelfAgreement:
    """One rater's repeats: how many, the share given the same label (Wilson), and Cohen's kappa of first and second."""

    rater: str
    n: int
    same: Estimate
    kappa: Cohen


def intra_rater(raters: Sequence[str], first: Codes, again: Codes, q: int) -> list[SelfAgreement]:
    """Each rater's agreement of the first with the repeated rating; codes raters × images, -1 where not shown twice."""
    rows = []
    for rater, before, after in zip(raters, first, again, strict=True):
        both = (before >= 0) & (after >= 0)
        table = np.zeros((q, q))
        np.add.at(table, (before[both], after[both]), 1)
        n = int(both.sum())
        rows.append(SelfAgreement(rater, n, wilson(int(np.trace(table)), n), cohen(table)))
    return rows


def self_agreement_over_raters(first: Codes, again: Codes) -> RandomMean:
    """The share of repeats given the same label, over raters and images like these; codes raters × images, -1 missing.

    A rater's repeats are of one person: pooled as if independent their interval would be too narrow.
    """
    both = (first >= 0) & (again >= 0)
    same = (first == again) & both
    return with_these_raters(ustatistic.mean(same.astype(float), both), same, both)
