"""The page on which an admin sees how the site is."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from lungrater.monitoring.overview import failed_jobs, parts, storage, workers
from lungrater.monitoring.site_state import site_state
from lungrater.monitoring.versions import versions


@permission_required("accounts.view_user", raise_exception=True)
@never_cache
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    uses = storage()
    context = {
        "parts": parts(site_state()),
        "workers": workers(),
        "failed": failed_jobs(),
        "storage": uses,
        "stored": sum(use.size for use in uses),
        "versions": versions(),
    }
    return render(request, "site/health.html", context)
