"""The log of the site for those who look after its people: sign-ins, roles, looks, removals, refusals."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import User
from audit import record
from audit.guard import UNGUARDED, is_guarded
from audit.models import SITE_CHAIN, Event
from audit.reading import LogForm, folded
from audit.verification import head
from jobs.snapshot import in_one_snapshot
from rating.results.export.log import event_lines

PER_PAGE = 200


@permission_required("accounts.view_user", raise_exception=True)
@never_cache
@require_safe
def log(request: HttpRequest) -> HttpResponse:
    form = LogForm(request.GET, events=Event.objects.filter(chain=SITE_CHAIN))
    page = Paginator(form.events(), PER_PAGE).get_page(request.GET.get("page"))
    people = people_of(page)
    lines = folded(page)
    for line in lines:
        if not line.event.rater:
            line.whom = people.get(line.event.subject_key, "")
    context = {
        "form": form,
        "page": page,
        "lines": lines,
        "head": head(SITE_CHAIN),
        "unguarded": "" if is_guarded() else UNGUARDED,
    }
    return render(request, "audit/log.html", context)


def people_of(events: Iterable[Event]) -> dict[str, str]:
    """Those whom events were about, by their keys, as they are named now; none of an event that tells a pseudonym."""
    keys = {event.subject_key for event in events if event.subject_kind == "user" and not event.rater}
    return {str(person.uuid): str(person) for person in User.objects.filter(uuid__in=keys)}


@permission_required("accounts.view_user", raise_exception=True)
@never_cache
@require_safe
def log_csv(request: HttpRequest) -> StreamingHttpResponse:
    events = LogForm(request.GET, events=Event.objects.filter(chain=SITE_CHAIN)).events()
    record(None, request.user, "exported the log")
    response = StreamingHttpResponse(
        in_one_snapshot(event_lines(events, with_identity=True)), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = 'attachment; filename="lungrater-log.csv"'
    return response
