"""The input file of the FDA's iMRMC: truth rows, then one score per reader and case, read in pages."""

from __future__ import annotations

from collections.abc import Iterator

from rating.results.export.rating_rows import column_names, row_pages
from rating.results.query import rated_sessions, read_facts
from rating.statistics.ratings_table import LABELS
from rating.studies.study import Study

ONE_KIND = "iMRMC compares two kinds of image; this study has one, so there is no file for it."
SCORES = {"real": 0, "unsure": 1, "fake": 2}


def imrmc_lines(study: Study) -> Iterator[str]:
    """The file of the first informed session with ratings; raises ValueError where the truth is not known."""
    facts = read_facts(study)
    if facts.labels != LABELS:
        raise ValueError("iMRMC takes scores of single images; this study is a forced choice among several.")
    if not facts.truth_is_known:
        raise ValueError("iMRMC needs the truth: unblind the study first.")
    if len(set(facts.truth)) < 2:
        raise ValueError(ONE_KIND)
    yield f"{' '.join(study.name.split())}\n"
    yield f"NR: {len(facts.raters)}\n"
    yield f"N0: {facts.truth.count('real')}\n"
    yield f"N1: {facts.truth.count('fake')}\n"
    yield "NM: 1\n"
    yield "BEGIN DATA:\n"
    for image, truth in zip(facts.images, facts.truth, strict=True):
        yield f"truth,{image},truth,{int(truth == 'fake')}\n"
    yield from _scores(study)


def _scores(study: Study) -> Iterator[str]:
    sessions = rated_sessions(study)
    names = column_names(study)
    rater, session, kind, image, label = map(names.index, ("rater", "session", "kind", "image", "label"))
    for page in row_pages(study):
        for cells in page:
            if sessions[:1] == [cells[session]] and cells[kind] == "main" and cells[label] is not None:
                yield f"{cells[rater]},{cells[image]},reading,{SCORES[cells[label]]}\n"
