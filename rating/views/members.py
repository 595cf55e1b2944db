"""Who has a part in a study; and how an admin takes one, with a reason that its owners read."""

from __future__ import annotations

import logging

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.mail import send_mail
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.forms import ReasonForm
from accounts.membership.forms import MemberForm
from accounts.membership.models import Part
from audit import record
from rating.models import Study

logger = logging.getLogger(__name__)

get_or_post = require_http_methods(["GET", "HEAD", "POST"])


@permission_required("rating.change_study", raise_exception=True)
@get_or_post
def study_members(request: HttpRequest, slug: str) -> HttpResponse:
    study = get_object_or_404(Study.objects.owned_by(request.user), slug=slug)
    form = MemberForm(request.POST or None, subject=study, by=request.user)
    if request.method == "POST" and form.is_valid():
        sentence = form.save()
        record(study, request.user, "changed the members", reason=sentence)
        messages.success(request, sentence)
        return (
            redirect("rating:members", slug)
            if study.is_owned_by(request.user)
            else redirect("rating:studies")
        )
    context = {
        "subject": study,
        "back": study.get_absolute_url(),
        "form": form,
        "members": study.memberships.select_related("user", "group"),
    }
    return render(request, "account/members.html", context, status=422 if form.errors else 200)


@permission_required("accounts.change_user", raise_exception=True)
@get_or_post
def join(request: HttpRequest, slug: str) -> HttpResponse:
    """An admin sees people and operations, and a study only as a member: this makes them one, in the open."""
    study = get_object_or_404(Study, slug=slug)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        owners = study.owners()
        study.share_with(request.user, Part.OWNER, by=request.user)
        record(study, request.user, "made themselves an owner", reason=form.cleaned_data["reason"])
        _tell(owners, study, str(request.user), form.cleaned_data["reason"])
        return redirect(study)
    context = {"study": study, "form": form, "owners": study.owners()}
    return render(request, "rating/join.html", context, status=422 if form.errors else 200)


def _tell(owners: list[object], study: Study, address: str, reason: str) -> None:
    for owner in owners:
        try:
            send_mail(
                f"{address} has joined “{study.name}” as an owner",
                f"An admin made themselves an owner of your study “{study.name}”.\n\nReason: {reason}\n",
                None,
                [str(getattr(owner, "email", ""))],
            )
        except OSError:
            logger.exception("an owner could not be told")
