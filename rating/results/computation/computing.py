"""The numbers of a part of a study, in a page or beforehand in a job."""

from __future__ import annotations

from functools import partial

from pool.figure_style import SCREEN, as_file
from rating.results.build_report import results_of
from rating.results.cache import ResultCache
from rating.results.computation.analysis import Analysis
from rating.results.exhibit import Exhibit
from rating.results.fool_rates_by_dataset import rates_of_study
from rating.results.parts import Part
from rating.results.questions import EXHIBITS
from rating.results.study_results import StudyResults


def analyse(job: Analysis) -> None:
    """Compute the numbers, and of the whole study draw the figures that its pages show."""
    study, part = job.study, Part.of_query(job.part)
    cache = ResultCache(study)
    results = results_of(study, cache, part)
    drawings = [exhibit for exhibit in EXHIBITS.values() if exhibit.draw and not exhibit.why_missing(results)]
    type(job).objects.filter(pk=job.pk).update(total=len(drawings) + 1)
    job.beat(done=1, message="Drawing the figures.")
    for done, exhibit in enumerate(drawings, start=2):
        cache.bytes(
            drawing_name(exhibit.name, part, "svg", is_for_screen=True), partial(_drawn, exhibit, results)
        )
        job.beat(done=done)
    cache.texts(cache.columns().first_session)
    if study.is_unblinded and not part.query:
        rates_of_study(study, cache)


def _drawn(exhibit: Exhibit, results: StudyResults) -> bytes:
    draw = exhibit.draw
    return as_file(draw(results, SCREEN), "svg") if draw else b""


def drawing_name(exhibit: str, part: Part, kind: str, *, is_for_screen: bool) -> str:
    """How the cache names a drawing."""
    return f"{exhibit}|{part.query}|{'screen' if is_for_screen else 'print'}.{kind}"
