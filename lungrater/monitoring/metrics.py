"""`/metrics` in Prometheus' text format: requests by view, which each process counts, and the state of the site.

For whoever brings METRICS_TOKEN; where none is set, for a scraper on this machine, but never in production. No label holds an address, a name or a token: a view's
name stands for its path.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error, transaction
from django.db.models import Count, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from generation.models import GenerationJob
from jobs.tasks import job_kinds
from lungrater.monitoring.site_state import SiteState, site_state

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
# What a proxy adds: a request that carries one has not been sent by this machine itself.
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA")
LOOPBACK = ("127.0.0.1", "::1")

own_counts = CollectorRegistry()
request_seconds = Histogram(
    "lungrater_request_seconds",
    "Time from a request's arrival to its answer, by the name of its view; rating:rate are the saves.",
    ["view", "method", "status"],
    buckets=BUCKETS,
    registry=own_counts,
)


class SiteCollector(Collector):
    """The site as its tables say now: queues, workers, clock, mail, backup, disk, what was made and spent."""

    def collect(self) -> Iterable[Metric]:
        try:
            with transaction.atomic():
                metrics = [*_of_state(site_state()), *_of_jobs()]
        except Error:
            return [_gauge("lungrater_database_up", "Whether the database answers.", 0)]
        return [_gauge("lungrater_database_up", "Whether the database answers.", 1), *metrics]


def _of_state(state: SiteState) -> Iterator[Metric]:
    waiting = GaugeMetricFamily("lungrater_queue_waiting_jobs", "Jobs that wait.", labels=["queue"])
    oldest = GaugeMetricFamily(
        "lungrater_queue_oldest_seconds", "Age of the oldest of them.", labels=["queue"]
    )
    has_worker = GaugeMetricFamily(
        "lungrater_queue_has_worker", "Whether a worker serves it.", labels=["queue"]
    )
    for name, queue in state.queues.items():
        waiting.add_metric([name], queue.waiting)
        oldest.add_metric([name], queue.oldest_seconds or 0)
        has_worker.add_metric([name], queue.has_worker)
    yield from (waiting, oldest, has_worker)
    yield _gauge(
        "lungrater_disk_free_ratio", "Free share of the fullest disk the site writes to.", state.disk_free
    )
    yield _gauge("lungrater_trail_guarded", "Whether web and workers own no table.", state.trail_is_guarded)
    last_try = GaugeMetricFamily(
        "lungrater_last_try_timestamp_seconds", "When a part last tried.", labels=["part"]
    )
    worked = GaugeMetricFamily(
        "lungrater_last_success_timestamp_seconds", "When a part last worked.", labels=["part"]
    )
    for part, sign in state.signs.items():
        last_try.add_metric([part], sign.at.timestamp())
        if sign.worked_at is not None:
            worked.add_metric([part], sign.worked_at.timestamp())
    yield from (last_try, worked)


def _of_jobs() -> Iterator[Metric]:
    jobs = GaugeMetricFamily("lungrater_jobs", "Jobs by kind and state.", labels=["kind", "state"])
    for kind in job_kinds():
        counts = kind.objects.order_by().values_list("state").annotate(Count("pk"))
        for state, count in counts:
            jobs.add_metric([kind.__name__, state], count)
    yield jobs
    spent = GenerationJob.objects.aggregate(spent=Sum("spent"))["spent"] or 0
    yield _gauge("lungrater_api_spent_dollars", "Spent with the Images API by all jobs.", float(spent))


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=value)


@login_not_required
@never_cache
@require_safe
@transaction.non_atomic_requests
def metrics(request: HttpRequest) -> HttpResponse:
    """Raises Http404 for whoever may not look, as if nothing were here."""
    if not _may_look(request):
        raise Http404
    registry = CollectorRegistry()
    if settings.METRICS_FOLDER:  # where several web processes serve, each counts there
        MultiProcessCollector(registry, path=settings.METRICS_FOLDER)  # type: ignore[no-untyped-call]  # the library has no types there
    else:
        registry = own_counts
    lines = generate_latest(registry) + generate_latest(_site())
    return HttpResponse(lines, content_type=CONTENT_TYPE)


def _site() -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(SiteCollector())
    return registry


def _may_look(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        return constant_time_compare(
            request.headers.get("Authorization", ""), f"Bearer {settings.METRICS_TOKEN}"
        )
    if settings.PRODUCTION:  # a proxy on this machine that adds no header would pass anybody for this machine
        return False
    is_forwarded = any(header in request.META for header in FORWARDED)
    return request.META.get("REMOTE_ADDR") in LOOPBACK and not is_forwarded
