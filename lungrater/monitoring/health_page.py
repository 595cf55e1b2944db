"""The page on which an admin sees how the site is, and asks for a backup."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from audit import record
from jobs.enqueue import enqueue
from lungrater.backup.nightly import next_due
from lungrater.monitoring.overview import GREEN, RED, failed_jobs, parts, storage, workers
from lungrater.monitoring.signs_of_life import BACKUP
from lungrater.monitoring.site_state import site_state
from lungrater.monitoring.versions import versions

BACKUP_TASK = "lungrater.backup.tasks.make_backup_now"
NO_PLACE = "BACKUP_URL names no place for backups: set it, or run “lungrater backup FILE” on the server."


@permission_required("accounts.view_user", raise_exception=True)
@never_cache
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    uses = storage()
    site = site_state()
    state = parts(site)
    context = {
        "parts": state,
        "urgent": [part for part in state if part.state == RED],
        "number_unwell": sum(part.state != GREEN for part in state),
        "last_backup": site.signs.get(BACKUP),
        "has_place_for_backups": bool(settings.BACKUP_URL),
        "next_backup": next_due(site.signs.get(BACKUP), site.now, hour=settings.BACKUP_HOUR),
        "backups_kept": settings.BACKUP_KEEP,
        "workers": workers(),
        "failed": failed_jobs(),
        "storage": uses,
        "stored": sum(use.size for use in uses),
        "versions": versions(),
    }
    return render(request, "site/health.html", context)


@permission_required("accounts.change_sitesettings", raise_exception=True)
@require_POST
def back_up(request: HttpRequest) -> HttpResponse:
    """Have a worker back the site up to where the nightly ones go."""
    if not settings.BACKUP_URL:
        messages.error(request, NO_PLACE)
        return redirect("health")
    queue_backup(request.user)
    messages.success(request, "A worker backs the site up; this page says when it is done.")
    return redirect("health")


def queue_backup(person: Any) -> None:
    record(None, person, "asked for a backup")
    asked_at = int(timezone.now().timestamp())
    transaction.on_commit(lambda: enqueue(BACKUP_TASK, asked_at))
