"""Who is let in: inviting raters, and where researchers see pseudonyms alone the key to them, for admins."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.sign_in.addresses import mail_is_set_up
from audit import record
from rating.models import Study
from rating.studies.invitation_form import InvitationForm
from rating.studies.invitations import Invitation, invite_all, ways_in

PER_PAGE = 100
KEY_SEEN = "looked at the key"  # as the log names it


@permission_required("accounts.invite_rater", raise_exception=True)
@transaction.non_atomic_requests  # each person is invited for good before any mail goes out
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invite_raters(request: HttpRequest, slug: str) -> HttpResponse:
    study = get_object_or_404(Study.objects.filled_by(request.user), slug=slug)
    is_sent = request.method == "POST"
    form = InvitationForm(request.POST, request.FILES) if is_sent else InvitationForm()
    invitations: list[Invitation] = []
    refusals: list[str] = []
    if is_sent and form.is_valid():
        invitations, refusals = invite_all(
            study, form.invitees(), by=request.user, absolute=request.build_absolute_uri
        )
        if not refusals:
            form = InvitationForm()  # for the next ones: those above have their invitation
    context = {
        "study": study,
        "form": form,
        "invitations": invitations,
        "refusals": refusals,
        "mail_is_set_up": mail_is_set_up(),
        "may_see_study": study.parts_of(request.user),
    }
    return render(request, "account/invite.html", context, status=422 if form.errors else 200)


@permission_required("accounts.change_user", raise_exception=True)
@never_cache
@require_safe
def key(request: HttpRequest, slug: str) -> HttpResponse:
    """Who each pseudonym is, for an admin, member of the study or not; each look stands in the study's log."""
    study = get_object_or_404(Study.objects.keys_of(request.user), slug=slug)
    record(study, request.user, KEY_SEEN)
    enrolments = study.enrolments.people().select_related("user", "replaced_by", "recruit").order_by("number")
    page = Paginator(enrolments, PER_PAGE).get_page(request.GET.get("page"))
    ways = ways_in(study, page)
    context = {
        "study": study,
        "page": page,
        "rows": [(each, ways[each.pk]) for each in page],
        "may_see_study": study.parts_of(request.user),
    }
    return render(request, "rating/key.html", context)
