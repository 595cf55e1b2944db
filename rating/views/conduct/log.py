"""A study's log: its page with filters, its CSV, and verifying it now."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from audit import record
from audit.guard import UNGUARDED, is_guarded
from audit.reading import LogForm, folded
from audit.verification import head
from jobs.snapshot import in_one_snapshot
from rating.models import Study
from rating.results.export.log import event_lines
from rating.results.verification import verify_study

PER_PAGE = 200


@permission_required("rating.view_study", raise_exception=True)
@never_cache
@require_safe
def log(request: HttpRequest, slug: str) -> HttpResponse:
    study = get_object_or_404(Study.objects.visible_to(request.user), slug=slug)
    form = LogForm(request.GET, events=study.events)
    page = Paginator(form.events(), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "subject": study,
        "study": study,
        "form": form,
        "page": page,
        "lines": folded(page),
        "head": head(study.trail),
        "verified": study.events.filter(detail__has_key="verified").first(),
        "unguarded": "" if is_guarded() else UNGUARDED,
    }
    return render(request, "audit/log.html", context)


@permission_required("rating.view_study", raise_exception=True)
@never_cache
@require_safe
def log_csv(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    study = get_object_or_404(Study.objects.visible_to(request.user), slug=slug)
    events = LogForm(request.GET, events=study.events).events()
    record(study, request.user, "exported the log")
    response = StreamingHttpResponse(
        in_one_snapshot(event_lines(events, with_identity=True)), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="lungrater-log-{study.slug}.csv"'
    return response


@permission_required("rating.view_study", raise_exception=True)
@require_POST
def verify(request: HttpRequest, slug: str) -> HttpResponse:
    """Check all of it now; the log keeps that it was checked, by whom, and what came of it."""
    study = get_object_or_404(Study.objects.visible_to(request.user), slug=slug)
    verification = verify_study(study)
    record(study, request.user, "verified", verified=verification.is_whole, head=str(verification.head))
    tell = messages.success if verification.is_whole else messages.error
    tell(request, verification.sentence)
    return redirect("rating:log", slug)
