"""The organiser's page on raters: how far, how fast, what looks odd; start over, withdraw, replace. No labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from django import forms
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.sign_in.addresses import clean_address
from audit import record
from rating.models import Enrolment, Rating, Sitting, Study
from rating.reading.attention_checks import Rated, flags
from rating.studies.study import NotPossibleError


class ReplacementForm(forms.Form):
    email = forms.CharField(label="Email of the new rater")

    def clean_email(self) -> str:
        return clean_address(str(self.cleaned_data["email"]))


@permission_required("rating.view_study", raise_exception=True)
@require_GET
def raters(request: HttpRequest, slug: str) -> HttpResponse:
    study = get_object_or_404(Study.objects.visible_to(request.user), slug=slug)
    enrolments = study.enrolments.select_related("user", "replaced_by").with_progress()
    sittings = defaultdict(list)
    for sitting in Sitting.objects.filter(enrolment__study=study).order_by("session", "attempt"):
        sittings[sitting.enrolment_id].append(sitting)
    odd = _flags_of(study)
    rows = [
        (each, sittings[each.pk], odd.get(each.pk, []), round((each.pace_ms or 0) / 1000))
        for each in enrolments
    ]
    return render(
        request,
        "rating/raters.html",
        {"study": study, "rows": rows, "may_edit": study.may_edit(request.user)},
    )


def _flags_of(study: Study) -> dict[int, list[str]]:
    """By enrolment: what its standing sittings look like."""
    rated: dict[int, list[Rated]] = defaultdict(list)
    rows = (
        Rating.objects.filter(
            presentation__sitting__enrolment__study=study,
            presentation__sitting__enrolment__machine="",
            presentation__sitting__reset_at=None,
        )
        .order_by("presentation__sitting__session", "presentation__position")
        .values_list(
            "presentation__sitting__enrolment",
            "presentation__sitting__session",
            "label",
            "active_ms",
            "idle_ms",
        )
    )
    for enrolment, session, label, active, idle in rows.iterator(chunk_size=5000):
        counts = "" if study.is_blinded_to_purpose(session) else label
        rated[enrolment].append(Rated(counts, active, idle))
    return {enrolment: flags(ratings) for enrolment, ratings in rated.items()}


@permission_required("rating.change_study", raise_exception=True)
@require_POST
def reset(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Start a rater's current session over."""

    def act(enrolment: Enrolment, reason: str) -> str:
        _current(enrolment).reset(request.user, reason)
        return f"{enrolment} starts over in a new order; what was rated is kept and marked."

    return _act(request, slug, number, act)


@permission_required("rating.change_study", raise_exception=True)
@require_POST
def mark_unblinded(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    def act(enrolment: Enrolment, reason: str) -> str:
        enrolment.mark_unblinded(request.user, reason)
        return f"The sittings of {enrolment} are marked unblinded and left out."

    return _act(request, slug, number, act, even_when_over=True)


@permission_required("rating.change_study", raise_exception=True)
@require_POST
def withdraw(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    def act(enrolment: Enrolment, reason: str) -> str:
        enrolment.withdraw(request.user, reason)
        return f"{enrolment} reads no more; the ratings are kept and count no more."

    return _act(request, slug, number, act)


@permission_required("rating.change_study", raise_exception=True)
@require_POST
def replace(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Enrol somebody for the block of a rater who has withdrawn."""

    def act(enrolment: Enrolment, _reason: str) -> str:
        form = ReplacementForm(request.POST)
        if not form.is_valid():
            raise NotPossibleError("Give the email address of the new rater.")
        email = form.cleaned_data["email"]
        users = get_user_model().objects
        user = users.filter(email__iexact=email).first() or users.create_user(email)
        new = enrolment.replace(user, by=request.user)
        return f"{new} reads what {enrolment} had; invite {email} to send a link."

    return _act(request, slug, number, act)


def _current(enrolment: Enrolment) -> Sitting:
    sitting = Sitting.objects.current(enrolment.user, enrolment.study)
    if sitting is None:
        raise NotPossibleError("This rater has no order yet: freeze the study first.")
    return sitting


def _act(
    request: HttpRequest,
    slug: str,
    number: int,
    act: Callable[[Enrolment, str], str],
    *,
    even_when_over: bool = False,
) -> HttpResponse:
    enrolment = get_object_or_404(
        Enrolment.objects.select_related("study", "user"),
        study__in=Study.objects.editable_by(request.user),
        study__slug=slug,
        number=number,
    )
    try:
        if enrolment.study.is_over and not even_when_over:
            raise NotPossibleError("The study is closed: its raters stand as they are.")
        with transaction.atomic():
            done = act(enrolment, request.POST.get("reason", ""))
    except NotPossibleError as reason:
        record(enrolment.study, request.user, "was refused", rater=enrolment.pseudonym, reason=str(reason))
        messages.error(request, str(reason))
    else:
        messages.success(request, done)
    return redirect("rating:raters", slug)
