"""Every remark of a study as CSV, read in pages: what raters wrote of an image, in the order of the ratings."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from pool.canonical.guarding import guarded
from rating.results.export.ratings_csv import rating_facts
from rating.studies.study import Study

HEAD = ("rater", "session", "kind", "image", "modality", "truth", "label", "reasons", "remark")


def remark_lines(study: Study) -> Iterator[str]:
    """The header and one line per rating with a remark or reasons; the truth only of an unblinded study."""
    yield _line(HEAD)
    for facts in rating_facts(study):
        if facts["remark"] or facts["reasons"]:
            cells = (facts["rater"], facts["session"], facts["kind"], facts["image"], facts["modality"])
            words = (guarded("; ".join(facts["reasons"] or ())), guarded(facts["remark"] or ""))
            yield _line((*cells, facts["truth"] or "", facts["label"] or "", *words))


def _line(cells: tuple[object, ...]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()
