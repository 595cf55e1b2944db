"""The pages of people: the list, inviting, one person with what can be done, and the list as a file."""

from __future__ import annotations

from uuid import UUID

from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.sign_in.addresses import mail_is_set_up
from accounts.sign_in.identity_proof import require_proof_of_people
from audit import record
from lungrater.people.act_form import ActForm
from lungrater.people.acts import ACTS, LinkAct
from lungrater.people.directory import PeopleFilter, csv_lines, people
from lungrater.people.invitations import InviteForm, deliver, link_for

PER_PAGE = 50


@permission_required("accounts.view_user", raise_exception=True)
@never_cache
@require_safe
def people_list(request: HttpRequest) -> HttpResponse:
    form = PeopleFilter(request.GET)
    page = Paginator(form.people(), PER_PAGE).get_page(request.GET.get("page"))
    roles = User.objects.filter(erased_at=None).order_by("role").values_list("role").annotate(Count("pk"))
    context = {"form": form, "page": page, "roles": list(roles), "is_filtered": any(request.GET.values())}
    return render(request, "people/list.html", context)


@permission_required("accounts.view_user", raise_exception=True)
@never_cache
@require_safe
def people_csv(request: HttpRequest) -> StreamingHttpResponse:
    record(None, request.user, "exported the list of people")
    response = StreamingHttpResponse(
        csv_lines(PeopleFilter(request.GET).people()), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = 'attachment; filename="people.csv"'
    return response


@permission_required("accounts.add_user", raise_exception=True)
@transaction.non_atomic_requests  # each person is invited for good before any mail goes out
@never_cache
def invite_people(request: HttpRequest) -> HttpResponse:
    require_proof_of_people(request)
    form = InviteForm(request.POST or None, request.FILES or None)
    context = {"form": form, "mail_is_set_up": mail_is_set_up()}
    if request.method == "POST" and form.is_valid():
        by = get_object_or_404(User, pk=request.user.pk)
        context["invited"], context["refused"] = form.invite(by=by, absolute=request.build_absolute_uri)
    return render(request, "people/invite.html", context)


@permission_required("accounts.change_user", raise_exception=True)
@never_cache
@require_safe
def person(request: HttpRequest, uuid: UUID) -> HttpResponse:
    return _page(request, _person(uuid))


@permission_required("accounts.change_user", raise_exception=True)
@never_cache
@require_POST
def change_person(request: HttpRequest, uuid: UUID, act: str) -> HttpResponse:
    """Carry one act out, after its admin has proved again who they are."""
    if act not in ACTS:
        raise Http404
    subject = _person(uuid)
    require_proof_of_people(request)
    by = get_object_or_404(User, pk=request.user.pk)
    form = ACTS[act](request.POST, person=subject, by=by)
    if not form.is_valid():
        return _page(request, subject, {act: form})
    if isinstance(form, LinkAct):
        path = link_for(subject, by=by, reason=form.cleaned_data["reason"])
        link = deliver(subject, request.build_absolute_uri(path))
        return _page(request, subject, link=link)
    messages.success(request, form.save())
    return redirect("person", uuid)


def _person(uuid: UUID) -> User:
    subject: User = get_object_or_404(people(), uuid=uuid)
    return subject


def _page(
    request: HttpRequest, subject: User, refused: dict[str, ActForm] | None = None, **more: object
) -> HttpResponse:
    by = get_object_or_404(User, pk=request.user.pk)
    has_factor = Authenticator.objects.filter(user=subject).exists()
    forms = {
        name: (refused or {}).get(name) or kind(person=subject, by=by, auto_id=f"{name}_%s")
        for name, kind in ACTS.items()
        if name != "factor" or has_factor or name in (refused or {})
    }
    context = {"person": subject, "forms": forms, "mail_is_set_up": mail_is_set_up(), **more}
    return render(request, "people/person.html", context, status=422 if refused else 200)
