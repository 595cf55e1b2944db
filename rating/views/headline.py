"""The declared primary result as the first thing of a study that is over: one number, one sentence, one figure."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

from pool.figure_style import WIDTH
from rating.models import Study
from rating.reading.revision_chain import RatingsDifferError
from rating.results.build_report import results_of
from rating.results.cache import ResultCache
from rating.results.computation.queue import analysis_to_await
from rating.results.drawing import estimates_height
from rating.results.exhibit import as_text
from rating.results.parts import Part
from rating.results.study_results import PrimaryResult
from rating.views.analysis import note_look


@dataclass(frozen=True, slots=True)
class Headline:
    primary: PrimaryResult

    @property
    def number(self) -> str:
        return as_text(self.primary.estimate.estimate)

    @property
    def interval(self) -> str:
        ci = self.primary.estimate.ci
        return f"95 % interval {as_text(ci[0])} to {as_text(ci[1])}" if ci else "no interval"

    @property
    def sizes(self) -> str:
        return self.primary.sizes

    @property
    def figure_size(self) -> tuple[int, int]:
        """Width and height that the page holds free for the figure, so that nothing moves when it comes."""
        return round(100 * WIDTH), round(100 * estimates_height(1))


def headline(request: HttpRequest, study: Study) -> Headline | None:
    """None where this person may not see it yet, none was declared, or the ratings are not what was saved.

    Who looks at it sees what depends on the truth, which the log keeps.
    """
    if not Study.objects.results_open_to(request.user).filter(pk=study.pk).exists():
        return None
    cache = ResultCache(study)
    if analysis_to_await(study, Part(), cache, request.user):  # the analysis says how far it is
        return None
    try:
        primary = results_of(study, cache).primary
    except RatingsDifferError:  # the analysis says so, and what to do
        return None
    if primary is None:
        return None
    note_look(study, request.user, "headline", embedded=True)
    return Headline(primary)
