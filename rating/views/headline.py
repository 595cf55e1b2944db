"""The declared primary result on the page of a study that is over, for whoever may see it."""

from __future__ import annotations

from django.http import HttpRequest

from rating.models import Study
from rating.reading.revision_chain import RatingsDifferError
from rating.results.build_report import results_of
from rating.results.cache import ResultCache
from rating.results.computation.queue import analysis_to_await
from rating.results.parts import Part
from rating.results.sections.headline import Headline, headline_of
from rating.studies.trail.looks import note_look


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
        top = headline_of(results_of(study, cache))
    except RatingsDifferError:  # the analysis says so, and what to do
        return None
    if top:
        note_look(study, request.user, "headline", embedded=True)
    return top
