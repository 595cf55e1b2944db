"""The front door: each person is shown what they can do next."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from lungrater.pages.front_page import admin_tasks, jobs_of, studies_of


@never_cache
def home(request: HttpRequest) -> HttpResponse:
    """A rater's first page is the list of their readings."""
    if not request.user.has_perm("rating.view_study"):
        return redirect("rating:reading_list")
    context = {"studies": studies_of(request.user), "jobs": jobs_of(request.user)}
    if request.user.has_perm("accounts.view_user"):
        context["tasks"] = list(admin_tasks())
    return render(request, "site/home.html", context)
