"""How well the raters agree: the whole answer as one dictionary, ready for JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rating.statistics.agreement.coefficients import coefficients
from rating.statistics.agreement.cohen import CONSTANT, NO_COMMON, ONE_LABEL, cohen
from rating.statistics.agreement.pairs import Pairs, light_kappa, pairwise
from rating.statistics.arrays import TINY
from rating.statistics.estimate import Estimate
from rating.statistics.ratings_table import RatingsTable

FEW = 10  # pairs with fewer common images are shown grey: their kappa says next to nothing

AGREED = "The two raters agreed on every image, so no standard error can be given."


def agreement_report(
    table: RatingsTable, confidence: float = 0.95, pairs: Pairs | None = None
) -> dict[str, Any]:
    """The agreement of these raters: coefficients with standard errors and intervals, every pair, every group.

    The `lungrater agreement --json` contract. What is undefined is None beside a `reason` sentence; `reason` also
    speaks where a value lacks its standard error, or where a pair has fewer than 10 images in common. pairs: those of
    `table.rated()`, where they are known already.
    """
    report = _agreement(table.rated(), confidence, pairs)
    report["by"] = {name: _agreement(table.group(name).rated(), confidence) for name in table.group_names()}
    return report


def counts(table: RatingsTable, by: Sequence[str] | Mapping[str, str] | str | None = None) -> dict[str, Any]:
    """How often each rater gave each label: {rater: {label: n}}, or {group: {rater: {label: n}}} with `by`.

    by: a group per image, in order or by image name (the truth, say), or any string for the table's own groups.
    """
    if by is None:
        return _counts(table, np.ones(len(table.images), dtype=np.bool_))
    if isinstance(by, str):
        groups: Sequence[str] = table.groups or [""] * len(table.images)
    elif isinstance(by, Mapping):
        groups = [by.get(image, "") for image in table.images]
    else:
        groups = by
    of_image = np.array(groups, dtype=object)
    return {name: _counts(table, of_image == name) for name in sorted(set(groups) - {""})}


def notes(report: Mapping[str, Any]) -> list[str]:
    """What must be said beside the numbers of a report, one sentence each."""
    sentences = []
    if report["raters"] == 2:
        sentences.append("Two raters: the intervals speak of these two raters only, not of raters like them.")
    if any(pair["n"] < FEW for pair in report["pairs"]):
        sentences.append(f"Pairs with fewer than {FEW} images in common are marked: read nothing into them.")
    return sentences


def _counts(table: RatingsTable, images: np.ndarray) -> dict[str, dict[str, int]]:
    codes = table.codes[:, images]
    by_label = [(codes == code).sum(axis=1) for code in range(len(table.labels))]
    return {
        rater: {label: int(by_label[code][row]) for code, label in enumerate(table.labels)}
        for row, rater in enumerate(table.raters)
    }


def _agreement(table: RatingsTable, confidence: float, pairs: Pairs | None = None) -> dict[str, Any]:
    q = len(table.labels)
    pairs = pairwise(table.codes, q) if pairs is None else pairs
    by_name = coefficients(table.category_counts(), confidence=confidence)
    kappa = {"cohen_kappa" if len(table.raters) == 2 else "light_kappa": _kappa(table, pairs, confidence)}
    in_order = {"percent_agreement": by_name.pop("percent_agreement"), **kappa, **by_name}
    if len(table.raters) == 1:
        in_order = dict.fromkeys(
            in_order, Estimate.undefined("Only one rater rated, and agreement needs two.")
        )
    return {
        "raters": len(table.raters),
        "images": len(table.images),
        "ratings": table.ratings,
        "labels": list(table.labels),
        "coefficients": {name: estimate.as_dict() for name, estimate in in_order.items()},
        "pairs": _pairs(table, pairs),
    }


def _kappa(table: RatingsTable, pairs: Pairs, confidence: float) -> Estimate:
    if not table.ratings:
        return Estimate.undefined("There are no ratings.")
    if len(table.raters) == 2:
        return cohen(pairs.tables[0], confidence).kappa
    return light_kappa(table.codes, len(table.labels), pairs, confidence)


def _pairs(table: RatingsTable, pairs: Pairs) -> list[dict[str, Any]]:
    k = pairs.kappas
    # Plain lists first: a matrix cell at a time would cost a second for 200 raters.
    columns = zip(
        pairs.first.tolist(),
        pairs.second.tolist(),
        k.n.astype(int).tolist(),
        k.observed.tolist(),
        k.defined.tolist(),
        k.estimate.tolist(),
        k.se.tolist(),
        strict=True,
    )
    return [
        {
            "raters": [table.raters[a], table.raters[b]],
            "n": n,
            "percent_agreement": observed if n else None,
            "cohen_kappa": kappa if defined else None,
            "se": se if defined and se >= TINY else None,
            "reason": _why(n, observed, se, defined=defined),
        }
        for a, b, n, observed, defined, kappa, se in columns
    ]


def _why(n: int, observed: float, se: float, *, defined: bool) -> str | None:
    if not defined:
        return ONE_LABEL if n else NO_COMMON
    if n < FEW:
        return f"Only {n} images in common: too few to read anything into."
    if se >= TINY:
        return None
    return AGREED if observed > 1 - TINY else CONSTANT
