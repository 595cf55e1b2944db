"""How often fakes were called real: by rater, by what made them, by checkpoint beside what machines measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations

import numpy as np

from rating.statistics.accuracy.diagnostic_accuracy import ONLY_REALS
from rating.statistics.arrays import Flags, Floats
from rating.statistics.columns import StudyColumns
from rating.statistics.estimate import Estimate
from rating.statistics.mrmc import nested, obuchowski_rockette, ustatistic
from rating.statistics.mrmc.moments import ONE_RATER_ALONE, OR_HILLIS, RandomMean
from rating.statistics.mrmc.paired import holm_adjusted
from rating.statistics.proportions import wilson
from rating.statistics.ratings_table import RatingsTable

ONE_RATER = "One rater: the interval (Wilson) speaks of this rater only."
MOST_GROUPS_COMPARED = 10


@dataclass(frozen=True, slots=True)
class FoolRateOfGroup:
    """The fool rate of one group of fakes; fid, kid and machine_auc: the mean of what machines measured, if anything."""

    name: str
    images: int
    ratings: int
    called_real: int
    rate: RandomMean
    fid: float | None
    kid: float | None
    machine_auc: float | None


@dataclass(frozen=True, slots=True)
class GroupDifference:
    """The first group less the second, the p of there being no difference, and that p adjusted by Holm.

    difference and p: over raters like these, of two raters for these two; method says which and how.
    """

    first: str
    second: str
    difference: Estimate
    method: str
    p: float | None
    p_holm: float | None


@dataclass(frozen=True, slots=True)
class FoolRates:
    """The fool rate of every group of one kind (generator, checkpoint, modality), and their differences in pairs."""

    groups: tuple[FoolRateOfGroup, ...]
    differences: tuple[GroupDifference, ...]


def share_over_raters(hits: Flags, rated: Flags, *, why_none: str) -> RandomMean:
    """The share of hits over raters and images like these, both flags raters × images; `why_none`: why there are no images."""
    raters = int(rated.any(axis=1).sum())
    if raters == 1:
        alone = wilson(int((hits & rated).sum()), int(rated.sum()))
        return RandomMean(replace(alone, reason=ONE_RATER), None, method=ONE_RATER_ALONE)
    if not rated.any():
        why = "Nobody rated any of these images." if rated.shape[1] else why_none
        return RandomMean(Estimate.undefined(why), None)
    average = ustatistic.mean(hits, rated, these_raters=True)
    there = rated.any(axis=1)
    if average.estimate.se is None and rated[there].all() and rated.shape[1] > 1:
        # Everybody rated everything: Obuchowski-Rockette, whose variance cannot be negative, still has an interval.
        by_variances = obuchowski_rockette.average_reader(
            *obuchowski_rockette.proportion_moments(hits[there][None])
        )[0]
        return replace(average, estimate=by_variances.estimate, df=by_variances.df, method=OR_HILLIS)
    return average


# The share of fakes called real, over raters and images like these; both flags raters × fakes.
fool_rate = partial(share_over_raters, why_none=ONLY_REALS)


def fool_rates_by_group(columns: StudyColumns, table: RatingsTable, groups: Sequence[str]) -> FoolRates:
    """The fool rate of each group of fakes (generator, checkpoint, modality), and the differences between groups."""
    fake = columns.is_fake
    of_image = np.array(groups, dtype=object)
    rated, real = table.codes >= 0, table.codes == table.labels.index("real")
    rows: list[FoolRateOfGroup] = []
    parts: dict[str, tuple[Flags, Flags]] = {}
    for name in sorted({group for group, is_fake in zip(groups, fake, strict=True) if is_fake}):
        selection = fake & np.asarray(of_image == name)
        parts[name] = (real[:, selection], rated[:, selection])
        rows.append(_group(name, *parts[name], columns, selection))
    pairs = list(combinations(parts, 2)) if len(parts) <= MOST_GROUPS_COMPARED else []
    return FoolRates(tuple(rows), _differences(parts, pairs))


def _group(name: str, real: Flags, rated: Flags, columns: StudyColumns, selection: Flags) -> FoolRateOfGroup:
    return FoolRateOfGroup(
        name=name,
        images=int(rated.any(axis=0).sum()),
        ratings=int(rated.sum()),
        called_real=int((real & rated).sum()),
        rate=fool_rate(real, rated),
        fid=_mean_or_none(columns.fid[selection]),
        kid=_mean_or_none(columns.kid[selection]),
        machine_auc=_mean_or_none(columns.machine_auc[selection]),
    )


def _differences(
    parts: dict[str, tuple[Flags, Flags]], pairs: list[tuple[str, str]]
) -> tuple[GroupDifference, ...]:
    """First less second for each pair, nested by image and paired by rater, p adjusted by Holm."""
    differences = [nested.of_shares(*parts[a], *parts[b]) for a, b in pairs]
    adjusted = holm_adjusted([difference.p for difference in differences])
    return tuple(
        GroupDifference(a, b, difference.estimate, difference.method, difference.p, p_holm)
        for (a, b), difference, p_holm in zip(pairs, differences, adjusted, strict=True)
    )


def _mean_or_none(values: Floats) -> float | None:
    measured = values[np.isfinite(values)]
    return float(measured.mean()) if len(measured) else None
