"""What a page computes by itself, and what it leaves to a job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Sum

from rating.results.cache import ResultCache
from rating.results.computation.analysis import Analysis
from rating.results.parts import Part
from rating.studies.sittings.sitting import Sitting
from rating.studies.study import Study

# Ratings that a page counts by itself, in a fraction of a second.
MOST_AT_ONCE = 20_000


def analysis_to_await(study: Study, part: Part, cache: ResultCache, person: Any = None) -> Analysis | None:
    """The job that is computing this part, queued by this call or one before; None where a page may show it now."""
    if cache.has(part.numbers) or not is_large(study):
        return None
    job = queued_analysis(study, part, cache, person)
    # What a worker with a home of its own has computed, or somebody has deleted, the page computes itself.
    return None if job.state == Analysis.State.SUCCEEDED else job


def is_large(study: Study) -> bool:
    """Whether it has more ratings than a request reads."""
    return rating_counts([study]).get(study.pk, 0) > MOST_AT_ONCE


def queued_analysis(study: Study, part: Part, cache: ResultCache, person: Any = None) -> Analysis:
    """The one job of this part and this state of the ratings."""
    wish = {"study": study, "part": part.query[:500], "state_of_ratings": cache.state}
    asked_by = {"requested_by_id": getattr(person, "pk", None)}
    job, is_new = Analysis.objects.get_or_create(**wish, defaults=asked_by)
    if is_new:
        job.submit()
    return job


def rating_counts(studies: Sequence[Study]) -> dict[int, int]:
    """By key: how many ratings a study has, whoever gave them."""
    sittings = Sitting.objects.order_by().filter(enrolment__study__in=[study.pk for study in studies])
    return dict(sittings.values_list("enrolment__study").annotate(n=Sum("rated_count")))
