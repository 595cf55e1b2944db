"""How often fakes were called real: by rater, by what made them, by checkpoint beside what machines measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from rating.statistics.accuracy.diagnostic_accuracy import ONLY_REALS
from rating.statistics.arrays import Flags, Floats
from rating.statistics.columns import MEASURES, StudyColumns
from rating.statistics.estimate import Estimate
from rating.statistics.mrmc import nested, obuchowski_rockette, ustatistic
from rating.statistics.mrmc.moments import RandomMean
from rating.statistics.mrmc.paired import with_holm
from rating.statistics.proportions import wilson
from rating.statistics.ratings_table import RatingsTable

ONE_RATER = "One rater: the interval (Wilson) speaks of this rater only."
MOST_GROUPS_COMPARED = 10


def fool_rate(called_real: Flags, is_rated: Flags) -> RandomMean:
    """The share of calls that were fooled, over raters and images like these; both flags raters × fakes."""
    raters = int(is_rated.any(axis=1).sum())
    if raters == 1:
        alone = wilson(int((called_real & is_rated).sum()), int(is_rated.sum()))
        return RandomMean(replace(alone, reason=ONE_RATER), None)
    if not is_rated.any():
        return RandomMean(Estimate.undefined(ONLY_REALS), None)
    rate_over_raters = ustatistic.mean(called_real, is_rated)
    there = is_rated.any(axis=1)
    if rate_over_raters.estimate.se is None and is_rated[there].all() and is_rated.shape[1] > 1:
        # Everybody rated everything: Obuchowski-Rockette, whose variance cannot be negative, still has an interval.
        average = obuchowski_rockette.average_reader(
            *obuchowski_rockette.proportion_moments(called_real[there][None])
        )[0]
        return RandomMean(average.estimate, average.df)
    return rate_over_raters


def fooled_by(columns: StudyColumns, table: RatingsTable, groups: Sequence[str]) -> dict[str, Any]:
    """The fool rate of each group of fakes (generator, checkpoint, modality), and the differences between groups."""
    fake = np.array([word == "fake" for word in columns.truth], dtype=np.bool_)
    of_image = np.array(groups, dtype=object)
    is_rated, real = table.codes >= 0, table.codes == table.labels.index("real")
    rows: list[dict[str, Any]] = []
    parts: dict[str, tuple[Flags, Flags]] = {}
    for name in sorted({group for group, is_fake in zip(groups, fake, strict=True) if is_fake}):
        in_group = fake & np.asarray(of_image == name)
        parts[name] = (real[:, in_group], is_rated[:, in_group])
        rows.append(_row(name, *parts[name], columns, in_group))
    compared = list(combinations(parts, 2)) if len(parts) <= MOST_GROUPS_COMPARED else []
    return {"groups": rows, "differences": _differences(parts, compared)}


def _row(name: str, real: Flags, is_rated: Flags, columns: StudyColumns, in_group: Flags) -> dict[str, Any]:
    return {
        "name": name,
        "images": int(is_rated.any(axis=0).sum()),
        "ratings": int(is_rated.sum()),
        "fooled": int((real & is_rated).sum()),
        "rate": fool_rate(real, is_rated),
        **{measure: _mean_or_none(getattr(columns, measure)[in_group]) for measure in MEASURES},
    }


def _differences(parts: dict[str, tuple[Flags, Flags]], pairs: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """First less second for each pair, nested by image and paired by rater, p adjusted by Holm."""
    rows: list[dict[str, Any]] = []
    for a, b in pairs:
        difference = nested.of_shares(*parts[a], *parts[b])
        rows.append({"first": a, "second": b, "difference": difference.estimate, "p": difference.p})
    return with_holm(rows)


def _mean_or_none(values: Floats) -> float | None:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else None
