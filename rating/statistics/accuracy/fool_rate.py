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


def fool_rate(called_real: Flags, seen: Flags) -> RandomMean:
    """The share of calls that were fooled, over raters and images like these; both flags raters × fakes."""
    raters = int(seen.any(axis=1).sum())
    if raters == 1:
        alone = wilson(int((called_real & seen).sum()), int(seen.sum()))
        return RandomMean(replace(alone, reason=ONE_RATER), None)
    if not seen.any():
        return RandomMean(Estimate.undefined(ONLY_REALS), None)
    found = ustatistic.mean(called_real, seen)
    there = seen.any(axis=1)
    if found.estimate.se is None and seen[there].all() and seen.shape[1] > 1:
        # Everybody rated everything: Obuchowski-Rockette, whose variance cannot be negative, still has an interval.
        average = obuchowski_rockette.average_reader(
            *obuchowski_rockette.proportion_moments(called_real[there][None])
        )[0]
        return RandomMean(average.estimate, average.df)
    return found


def fooled_by(columns: StudyColumns, table: RatingsTable, groups: Sequence[str]) -> dict[str, Any]:
    """The fool rate of each group of fakes (generator, checkpoint, modality), and the differences between groups."""
    fake = np.array([word == "fake" for word in columns.truth], dtype=np.bool_)
    of_image = np.array(groups, dtype=object)
    seen, real = table.codes >= 0, table.codes == table.labels.index("real")
    rows: list[dict[str, Any]] = []
    parts: dict[str, tuple[Flags, Flags]] = {}
    for name in sorted({group for group, is_fake in zip(groups, fake, strict=True) if is_fake}):
        wanted = fake & np.asarray(of_image == name)
        parts[name] = (real[:, wanted], seen[:, wanted])
        rows.append(_row(name, *parts[name], columns, wanted))
    compared = list(combinations(parts, 2)) if len(parts) <= MOST_GROUPS_COMPARED else []
    return {"groups": rows, "differences": _differences(parts, compared)}


def _row(name: str, real: Flags, seen: Flags, columns: StudyColumns, wanted: Flags) -> dict[str, Any]:
    return {
        "name": name,
        "images": int(seen.any(axis=0).sum()),
        "ratings": int(seen.sum()),
        "fooled": int((real & seen).sum()),
        "rate": fool_rate(real, seen),
        **{measure: _mean_or_none(getattr(columns, measure)[wanted]) for measure in MEASURES},
    }


def _differences(parts: dict[str, tuple[Flags, Flags]], pairs: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """First less second for each pair, nested by image and paired by rater, p adjusted by Holm."""
    rows: list[dict[str, Any]] = []
    for a, b in pairs:
        found = nested.of_shares(*parts[a], *parts[b])
        rows.append({"first": a, "second": b, "difference": found.estimate, "p": found.p})
    return with_holm(rows)


def _mean_or_none(values: Floats) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None
