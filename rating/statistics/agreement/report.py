"""How well the raters agree: every coefficient, every pair, every group of images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rating.statistics.agreement.coefficients import coefficients
from rating.statistics.agreement.cohen import CONSTANT, NO_COMMON, ONE_LABEL, cohen
from rating.statistics.agreement.intervals import bounded
from rating.statistics.agreement.pairs import Pairs, light_kappa, pairwise
from rating.statistics.arrays import TINY, Flags
from rating.statistics.estimate import Estimate
from rating.statistics.ratings_table import RatingsTable

FEW = 10  # pairs with fewer common images are shown grey: their kappa says next to nothing

AGREED = "The two raters agreed on every image, so no standard error can be given."
ONE_RATER = "Only one rater rated, and agreement needs two."

RaterCounts = dict[str, dict[str, int]]  # {rater: {label: n}}


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Two raters on the n images both rated; None with a reason where something does not exist."""

    raters: tuple[str, str]
    n: int
    percent_agreement: float | None
    cohen_kappa: float | None
    se: float | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class GroupAgreement:
    """The agreement on some images."""

    raters: int
    images: int
    ratings: int
    labels: tuple[str, ...]
    coefficients: dict[str, Estimate]
    pairs: tuple[PairAgreement, ...]


@dataclass(frozen=True, slots=True)
class AgreementReport(GroupAgreement):
    """The agreement on all images and on each group of them: the `lungrater agreement --json` contract."""

    by: dict[str, GroupAgreement]


def agreement_report(
    table: RatingsTable, confidence: float = 0.95, pairs: Pairs | None = None
) -> AgreementReport:
    """The agreement of these raters: coefficients with standard errors and intervals, every pair, every group.

    What is undefined is None beside a `reason` sentence; `reason` also speaks where a value lacks its standard error,
    or where a pair has fewer than 10 images in common. pairs: those of `table.rated()`, where they are known already.

    >>> rows = [("R01", "a", "real"), ("R01", "b", "fake"), ("R02", "a", "real"), ("R02", "b", "real")]
    >>> report = agreement_report(RatingsTable.from_rows(rows))
    >>> report.raters, report.images, report.coefficients["percent_agreement"].estimate
    (2, 2, 0.5)
    """
    all_ratings = _agreement(table.rated(), confidence, pairs)
    by = {name: _agreement(table.group(name).rated(), confidence) for name in table.group_names()}
    return AgreementReport(
        all_ratings.raters,
        all_ratings.images,
        all_ratings.ratings,
        all_ratings.labels,
        all_ratings.coefficients,
        all_ratings.pairs,
        by,
    )


def counts(table: RatingsTable) -> RaterCounts:
    """How often each rater gave each label.

    >>> counts(RatingsTable.from_rows([("R01", "a", "real"), ("R01", "b", "fake")]))
    {'R01': {'real': 1, 'fake': 1, 'unsure': 0}}
    """
    return _counts(table, np.ones(len(table.images), dtype=np.bool_))


def counts_by_group(
    table: RatingsTable, groups: Sequence[str] | Mapping[str, str] | None = None
) -> dict[str, RaterCounts]:
    """The same for each group of images: groups in order or by image name, the table's own unless given."""
    if groups is None:
        groups = table.groups or [""] * len(table.images)
    elif isinstance(groups, Mapping):
        groups = [groups.get(image, "") for image in table.images]
    of_image = np.array(groups, dtype=object)
    return {name: _counts(table, np.asarray(of_image == name)) for name in sorted(set(groups) - {""})}


def notes(report: AgreementReport) -> list[str]:
    """What must stand beside the numbers of a report, one sentence each.

    >>> rows = [(rater, f"{n}", "real") for rater in ("R01", "R02") for n in range(10)]
    >>> notes(agreement_report(RatingsTable.from_rows(rows)))
    ['Two raters: the intervals speak of these two raters only, not of raters like them.']
    """
    sentences = []
    if report.raters == 2:
        sentences.append("Two raters: the intervals speak of these two raters only, not of raters like them.")
    if any(pair.n < FEW for pair in report.pairs):
        sentences.append(f"Pairs with fewer than {FEW} images in common are marked: read nothing into them.")
    return sentences


def _counts(table: RatingsTable, images: Flags) -> RaterCounts:
    codes = table.codes[:, images]
    by_label = [(codes == code).sum(axis=1) for code in range(len(table.labels))]
    return {
        rater: {label: int(by_label[code][row]) for code, label in enumerate(table.labels)}
        for row, rater in enumerate(table.raters)
    }


def _agreement(table: RatingsTable, confidence: float, pairs: Pairs | None = None) -> GroupAgreement:
    q = len(table.labels)
    pairs = pairwise(table.codes, q) if pairs is None else pairs
    estimates = coefficients(table.category_counts(), confidence=confidence)
    kappa = {"cohen_kappa" if len(table.raters) == 2 else "light_kappa": _kappa(table, pairs, confidence)}
    in_order = {"percent_agreement": estimates.pop("percent_agreement"), **kappa, **estimates}
    in_order = bounded(in_order, table.codes, q, confidence)
    if len(table.raters) == 1:
        in_order = dict.fromkeys(in_order, Estimate.undefined(ONE_RATER))
    return GroupAgreement(
        len(table.raters), len(table.images), table.ratings, table.labels, in_order, _pairs(table, pairs)
    )


def _kappa(table: RatingsTable, pairs: Pairs, confidence: float) -> Estimate:
    if not table.ratings:
        return Estimate.undefined("There are no ratings.")
    if len(table.raters) == 2:
        return cohen(pairs.tables[0], confidence).kappa
    return light_kappa(table.codes, len(table.labels), pairs, confidence)


def _pairs(table: RatingsTable, pairs: Pairs) -> tuple[PairAgreement, ...]:
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
    return tuple(
        PairAgreement(
            (table.raters[a], table.raters[b]),
            n,
            observed if n else None,
            kappa if defined else None,
            se if defined and se >= TINY else None,
            _why(n, observed, se, defined=defined),
        )
        for a, b, n, observed, defined, kappa, se in columns
    )


def _why(n: int, observed: float, se: float, *, defined: bool) -> str | None:
    if not defined:
        return ONE_LABEL if n else NO_COMMON
    if n < FEW:
        return f"Only {n} images in common: too few to read anything into."
    if se >= TINY:
        return None
    return AGREED if observed > 1 - TINY else CONSTANT
