"""Who has a part in a study; and how an admin takes one, with a reason that its owners read."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.membership.forms import MemberForm
from accounts.membership.joining import ask_to_join
from accounts.sign_in.identity_proof import require_proof_of_people
from audit import record
from rating.models import Study

get_or_post = require_http_methods(["GET", "HEAD", "POST"])


@permission_required("rating.change_study", raise_exception=True)
@get_or_post
def study_members(request: HttpRequest, slug: str) -> HttpResponse:
    study = get_object_or_404(Study.objects.owned_by(request.user), slug=slug)
    form = MemberForm(request.POST or None, subject=study, by=request.user)
    if request.method == "POST" and form.is_valid():
        require_proof_of_people(request)
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
    return ask_to_join(request, study, back=reverse("rating:studies"), joined=study.get_absolute_url())
