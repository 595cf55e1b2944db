"""The front door: each person is shown what they can do next."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from lungrater.demo.progress import progress
from lungrater.pages.front_page import admin_tasks, jobs_of, studies_of
from lungrater.pages.waiting import waiting_for


@never_cache
def home(request: HttpRequest) -> HttpResponse:
    """A rater's first page is the list of their readings."""
    if not request.user.has_perm("rating.view_study"):
        return redirect("rating:reading_list")
    studies = studies_of(request.user)
    context = {
        "studies": studies,
        "jobs": jobs_of(request.user),
        "waiting": waiting_for(request.user, [line.study for line in studies]),
        "today": timezone.now(),
        "demo": progress() if getattr(request.user, "is_demo", False) else None,
    }
    if request.user.has_perm("accounts.view_user"):
        context["tasks"] = list(admin_tasks())
    return render(request, "site/home.html", context)
