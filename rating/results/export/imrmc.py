"""The input file of the FDA's iMRMC: truth rows, then one score per reader and case."""

from __future__ import annotations

from collections.abc import Iterator

from rating.statistics.columns import StudyColumns
from rating.statistics.ratings_table import LABELS

ONE_KIND = "iMRMC compares two kinds of image; this study has one, so there is no file for it."
SCORES = {0: 0, 2: 1, 1: 2}  # codes of real, unsure, fake on the scale real < unsure < fake


def imrmc_lines(columns: StudyColumns, name: str, session: int | None = None) -> Iterator[str]:
    """The file of one session, the first unless given; raises ValueError where the truth is not known."""
    if columns.labels != LABELS:
        raise ValueError("iMRMC takes scores of single images; this study is a forced choice among several.")
    if not columns.truth_is_known:
        raise ValueError("iMRMC needs the truth: unblind the study first.")
    if len(set(columns.truth)) < 2:
        raise ValueError(ONE_KIND)
    counted = columns.main(session or columns.first_session)
    yield f"{' '.join(name.split())}\n"
    yield f"NR: {len(columns.raters)}\n"
    yield f"N0: {columns.truth.count('real')}\n"
    yield f"N1: {columns.truth.count('fake')}\n"
    yield "NM: 1\n"
    yield "BEGIN DATA:\n"
    for image, truth in zip(columns.images, columns.truth, strict=True):
        yield f"truth,{image},truth,{int(truth == 'fake')}\n"
    for rater, image, label in zip(
        columns.rater[counted], columns.image[counted], columns.label[counted], strict=True
    ):
        yield f"{columns.raters[rater]},{columns.images[image]},reading,{SCORES[int(label)]}\n"
