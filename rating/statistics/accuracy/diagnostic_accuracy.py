"""Each rater against the truth: the 3 × 2 table and what follows from it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rating.statistics.accuracy import roc
from rating.statistics.accuracy.detection import Detection, TwoCuts, two_cuts
from rating.statistics.accuracy.unsure import POLICIES, truth_codes
from rating.statistics.arrays import Codes, Ints
from rating.statistics.estimate import Estimate
from rating.statistics.proportions import wilson
from rating.statistics.ratings_table import RatingsTable

ONLY_FAKES = (
    "The study has no real images: it shows how often its fakes fool, but gives no specificity, d′ or AUC, "
    "because a rater who calls everything fake would look perfect."
)
ONLY_REALS = "The study has no fake images, so nobody could be fooled."


@dataclass(frozen=True, slots=True)
class RaterAccuracy:
    """One rater's calls by truth, and the numbers they give; `policy` says what an unsure counted as.

    table: {truth: {label: n}}; fool_rate: fakes called real, of all fakes rated; unsure_rate: by truth.
    """

    rater: str
    policy: str
    table: dict[str, dict[str, int]]
    fool_rate: Estimate
    sensitivity: Estimate
    specificity: Estimate
    unsure_rate: dict[str, Estimate]
    detection: TwoCuts
    auc: Estimate


def diagnostic_accuracy(
    table: RatingsTable, truth: Sequence[str], policy: str = "wrong", confidence: float = 0.95
) -> list[RaterAccuracy]:
    """Every rater's numbers; truth: real, fake or empty (unknown) per image, labels real, fake and maybe unsure.

    >>> table = RatingsTable.from_rows([("R01", "a", "real"), ("R01", "b", "real"), ("R01", "c", "unsure")])
    >>> [rater] = diagnostic_accuracy(table, ["real", "fake", "fake"])
    >>> rater.fool_rate.estimate, rater.sensitivity.estimate, rater.specificity.estimate
    (0.5, 0.0, 1.0)
    """
    of_image = truth_codes(table, truth)
    return [
        _of_rater(rater, row, of_image, table.labels, policy, confidence)
        for rater, row in zip(table.raters, table.codes, strict=True)
    ]


def scale(codes: Codes, labels: Sequence[str]) -> Ints:
    """The calls as levels real 0 < unsure 1 < fake 2, -1 where missing: the scale of the AUC."""
    level = {"real": 0, "unsure": 1, "fake": 2}
    of_code = np.array([*(level[label] for label in labels), -1])
    return np.asarray(of_code[codes], dtype=np.int64)


def _of_rater(  # noqa: PLR0917  six plain inputs, one caller
    rater: str, row: Codes, truth: Ints, labels: Sequence[str], policy: str, confidence: float
) -> RaterAccuracy:
    cells = {
        kind: {
            label: int(((truth == labels.index(kind)) & (row == code)).sum())
            for code, label in enumerate(labels)
        }
        for kind in ("real", "fake")
    }
    fakes, reals = sum(cells["fake"].values()), sum(cells["real"].values())
    hits, signal = _called_right(cells["fake"], "fake", policy)
    rejections, noise = _called_right(cells["real"], "real", policy)
    rated = (row >= 0) & (truth >= 0)
    area = roc.auc(truth[rated] == labels.index("fake"), scale(row[rated], labels), confidence)
    kinds = {kind for kind in cells if (truth == labels.index(kind)).any()}
    no_fakes, no_reals = (_why_none(kind, cells, kinds) for kind in ("fake", "real"))
    undefined = Detection(Estimate.undefined(no_reals), Estimate.undefined(no_reals))
    return RaterAccuracy(
        rater=rater,
        policy=policy,
        table=cells,
        fool_rate=_or_reason(wilson(cells["fake"]["real"], fakes, confidence), no_fakes),
        sensitivity=_or_reason(wilson(hits, signal, confidence), no_fakes),
        specificity=_or_reason(wilson(rejections, noise, confidence), no_reals),
        unsure_rate={
            kind: wilson(of_kind.get("unsure", 0), sum(of_kind.values()), confidence)
            for kind, of_kind in cells.items()
        },
        detection=two_cuts(cells["fake"], cells["real"], confidence)
        if reals
        else TwoCuts(undefined, undefined),
        auc=area if reals and fakes else Estimate.undefined(no_reals if fakes or not reals else no_fakes),
    )


def _called_right(calls: dict[str, int], kind: str, policy: str) -> tuple[float, int]:
    """How many calls were right, and of how many, under the policy."""
    worth, unsure = POLICIES[policy], calls.get("unsure", 0)
    total = sum(calls.values())
    if worth is None:
        return calls[kind], total - unsure
    return calls[kind] + worth * unsure, total


def _why_none(kind: str, cells: dict[str, dict[str, int]], kinds: set[str]) -> str:
    """Why a rater has no share of the images of this kind: the study's doing, or their own."""
    if kind not in kinds:
        return ONLY_FAKES if kind == "real" else ONLY_REALS
    if not any(sum(calls.values()) for calls in cells.values()):
        return "This rater rated no image."
    if not sum(cells[kind].values()):
        return f"This rater rated no {kind} image."
    return f"This rater called every {kind} image unsure, which is left out."


def _or_reason(rate: Estimate, reason: str) -> Estimate:
    return rate if rate.estimate is not None else Estimate.undefined(reason)
