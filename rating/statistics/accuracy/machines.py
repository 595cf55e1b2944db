"""What machines called the images that people read: always beside the people's numbers, never among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rating.statistics.accuracy import roc
from rating.statistics.accuracy.diagnostic_accuracy import ONLY_FAKES, RaterAccuracy, diagnostic_accuracy
from rating.statistics.agreement.intra import SelfAgreement, intra_rater
from rating.statistics.arrays import Codes, Flags, Floats, Ints
from rating.statistics.columns import StudyColumns
from rating.statistics.estimate import Estimate
from rating.statistics.ratings_table import MISSING

NO_SCORES = "This machine gives labels only, no probability."


@dataclass(frozen=True, slots=True)
class MachineResults:
    """One machine: its labels, how often it agrees with most raters, and, where the truth is known, its accuracy."""

    rater: str
    name: str
    counts: dict[str, int]
    with_most_raters: SelfAgreement
    truth: RaterAccuracy | None
    auc: Estimate | None


def machine_results(
    machines: StudyColumns,
    people: StudyColumns,
    scores: Floats,
    names: Mapping[str, str],
    *,
    policy: str = "wrong",
    session: int = 1,
) -> tuple[MachineResults, ...]:
    """Each machine's labels, how it agrees with most raters, and, where the truth is known, how it was fooled.

    scores: machines × images, the probability that an image is fake, nan where there is none. Both columns are of the
    same images in the same order.
    """
    table = machines.table(session)
    majority = majority_label(people.table(session).category_counts())
    agreement = intra_rater(
        table.raters, table.codes, np.broadcast_to(majority, table.codes.shape), len(table.labels)
    )
    truth = diagnostic_accuracy(table, machines.truth, policy) if machines.truth_is_known else None
    return tuple(
        MachineResults(
            rater=rater,
            name=names.get(rater, ""),
            counts={label: int((codes == code).sum()) for code, label in enumerate(table.labels)},
            with_most_raters=agreement[place],
            truth=truth[place] if truth else None,
            auc=_auc(machines.is_fake, scores[place]) if truth else None,
        )
        for place, (rater, codes) in enumerate(zip(table.raters, table.codes, strict=True))
    )


def majority_label(counts: Ints | Floats) -> Codes:
    """The label that most raters gave each image, -1 where none stands alone; counts: images × labels."""
    n = np.asarray(counts)
    top = n.max(axis=1, initial=0)
    alone = (n == top[:, None]).sum(axis=1) == 1
    return np.where(alone & (top > 0), n.argmax(axis=1), MISSING).astype(np.int8)


def _auc(fake: Flags, scores: Floats) -> Estimate:
    """The area under the ROC of the machine's own probabilities."""
    scored = np.isfinite(scores)
    if not scored.any():
        return Estimate.undefined(NO_SCORES)
    if fake[scored].all():
        return Estimate.undefined(ONLY_FAKES)
    return roc.auc(fake[scored], scores[scored])
