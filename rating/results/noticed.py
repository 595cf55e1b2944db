"""The first phase of a two-phase study: did anybody notice, before being told, that images may be generated?

Raters who have noticed say so in free text, which is what the literature reports; whether they call generated images
unusual more often than real ones is asked beside it. Nothing of this phase goes into the numbers of the informed one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np

from rating.statistics.arrays import Flags
from rating.statistics.columns import StudyColumns
from rating.statistics.mrmc.ustatistic import mean, nested_difference
from rating.statistics.proportions import clopper_pearson
from rating.studies.purpose_words import speaks_of_it

FIRST = 1


class Remark(Protocol):
    """One rater's words on one image."""

    @property
    def rater(self) -> str: ...
    @property
    def image(self) -> str: ...
    @property
    def remark(self) -> str: ...


def notices_of_purpose(columns: StudyColumns, remarks: Iterable[Remark]) -> dict[str, Any]:
    """What raters said while they did not know the purpose; by truth where that is known.

    columns: of the first phase, labels usual, unusual, unsure. A rater has noticed who wrote of it at least once.
    """
    table = columns.table(FIRST)
    telling_remarks = [response for response in remarks if speaks_of_it(response.remark)]
    by_rater = Counter(response.rater for response in telling_remarks)
    unusual, is_rated = table.codes == table.labels.index("unusual"), table.codes >= 0
    read = [name for name, row in zip(table.raters, is_rated, strict=True) if row.any()]
    return {
        "raters": [
            {
                "rater": name,
                "images": int((codes >= 0).sum()),
                **{label: int((codes == code).sum()) for code, label in enumerate(table.labels)},
                "spoke": by_rater[name],
            }
            for name, codes in zip(table.raters, table.codes, strict=True)
        ],
        "noticed": clopper_pearson(sum(name in by_rater for name in read), len(read)),
        "remarks": [{"rater": s.rater, "image": s.image, "remark": s.remark} for s in telling_remarks],
        "unusual": _by_truth(columns.truth, unusual, is_rated) if columns.truth_is_known else None,
    }


def _by_truth(truth: Sequence[str], unusual: Flags, is_rated: Flags) -> dict[str, Any]:
    fake = np.array([word == "fake" for word in truth], dtype=np.bool_)
    calls = unusual.astype(np.float64)
    return {
        "fake": mean(calls[:, fake], is_rated[:, fake]),
        "real": mean(calls[:, ~fake], is_rated[:, ~fake]),
        "difference": nested_difference(
            calls[:, fake], is_rated[:, fake], calls[:, ~fake], is_rated[:, ~fake]
        ),
    }
