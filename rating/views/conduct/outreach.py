"""How raters are brought in and kept going: the due date with its reminders, and the door of a recruitment site."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.sign_in.addresses import mail_is_set_up
from rating.models import Recruitment, Study
from rating.studies.outreach.recruitment import RecruitmentForm, recruitment_of
from rating.studies.outreach.reminders import ScheduleForm, schedule_of

get_or_post = require_http_methods(["GET", "HEAD", "POST"])


@permission_required("rating.change_study", raise_exception=True)
@never_cache
@get_or_post
def schedule(request: HttpRequest, slug: str) -> HttpResponse:
    """Until when raters are to read, and when they are reminded. Whom, by code alone."""
    study = get_object_or_404(Study.objects.editable_by(request.user), slug=slug)
    form = ScheduleForm(request.POST or None, instance=schedule_of(study))
    if request.method == "POST" and form.is_valid():
        form.save_for(study, by=request.user)
        messages.success(request, "Saved; each change stands in the study's log.")
        return redirect("rating:schedule", slug)
    enrolments = study.enrolments.people().filter(withdrawn_at=None).order_by("number")
    context = {
        "study": study,
        "form": form,
        "mail_is_set_up": mail_is_set_up(),
        "rows": [
            (each, list(each.reminders.all()))
            for each in enrolments.prefetch_related("reminders")
            if each.reminders.all() or each.reminders_stopped_at
        ],
    }
    return render(request, "rating/schedule.html", context, status=422 if form.errors else 200)


@permission_required("rating.change_study", raise_exception=True)
@never_cache
@get_or_post
def recruitment(request: HttpRequest, slug: str) -> HttpResponse:
    """The open door, and the way back; whoever may enrol raters sets it."""
    study = get_object_or_404(Study.objects.filled_by(request.user), slug=slug)
    form = RecruitmentForm(request.POST or None, instance=recruitment_of(study))
    if request.method == "POST" and form.is_valid():
        form.save_for(study, by=request.user)
        messages.success(request, "Saved; each change stands in the study's log.")
        return redirect("rating:recruitment", slug)
    stored = Recruitment.objects.filter(study=study).first()
    context = {
        "study": study,
        "form": form,
        "recruitment": stored,
        # Not as a whole: its placeholders must reach the recruitment site as they are, not percent-encoded.
        "link": request.build_absolute_uri("/").rstrip("/") + link_of(stored) if stored else "",
        "arrived": stored.recruits.count() if stored else 0,
        "may_see_study": study.parts_of(request.user),
    }
    return render(request, "rating/recruitment.html", context, status=422 if form.errors else 200)


def link_of(recruitment: Recruitment) -> str:
    """The path to give to the recruitment site, with its placeholders as Prolific writes them."""
    query = "&".join(f"{name}={{{{%{name}%}}}}" for name in recruitment.names)
    return f"{reverse('rating:take_part', args=[recruitment.token])}?{query}"
