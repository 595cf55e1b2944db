"""What machines said of the images that people read: always beside the people's numbers, never among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rating.statistics.accuracy import roc
from rating.statistics.accuracy.diagnostic_accuracy import ONLY_FAKES, against_truth
from rating.statistics.agreement.intra import intra_rater
from rating.statistics.arrays import Codes, Flags, Floats
from rating.statistics.columns import StudyColumns
from rating.statistics.estimate import Estimate
from rating.statistics.ratings_table import MISSING

NO_SCORES = "This machine gives labels only, no probability."


def machine_numbers(
    machines: StudyColumns,
    people: StudyColumns,
    scores: Floats,
    names: Mapping[str, str],
    *,
    policy: str = "wrong",
    session: int = 1,
) -> list[dict[str, Any]]:
    """Each machine's labels, how it agrees with most raters, and, where the truth is known, how it was fooled.

    scores: machines × images, the probability that an image is fake, nan where not given. Both columns are of the same
    images in the same order.
    """
    table = machines.table(session)
    majority = most_given(people.table(session).category_counts())
    agreement = intra_rater(
        table.raters, table.codes, np.broadcast_to(majority, table.codes.shape), len(table.labels)
    )
    truth = against_truth(table, machines.truth, policy) if machines.truth_is_known else None
    fake = np.array([word == "fake" for word in machines.truth], dtype=np.bool_)
    rows: list[dict[str, Any]] = []
    for place, (rater, codes) in enumerate(zip(table.raters, table.codes, strict=True)):
        rows.append(
            {
                "rater": rater,
                "name": names.get(rater, ""),
                "counts": {label: int((codes == code).sum()) for code, label in enumerate(table.labels)},
                "with_most_raters": agreement[place],
                "truth": truth[place] if truth else None,
                "auc": _auc(fake, scores[place]) if truth else None,
            }
        )
    return rows


def most_given(counts: Any) -> Codes:
    """The label that most raters gave each image, -1 where none stands alone; counts: images × labels."""
    n = np.asarray(counts)
    top = n.max(axis=1, initial=0)
    alone = (n == top[:, None]).sum(axis=1) == 1
    return np.where(alone & (top > 0), n.argmax(axis=1), MISSING).astype(np.int8)


def _auc(fake: Flags, scores: Floats) -> Estimate:
    """The area under the ROC of the machine's own probabilities."""
    has_score = np.isfinite(scores)
    if not has_score.any():
        return Estimate.undefined(NO_SCORES)
    if fake[has_score].all():
        return Estimate.undefined(ONLY_FAKES)
    return roc.auc(fake[has_score], scores[has_score])
