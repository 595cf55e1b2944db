"""What cannot be taken back asks once more: freezing, closing, unblinding. The page names who is unfinished."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.forms import ConfirmForm, ReasonForm
from accounts.sign_in.identity_proof import require_proof, require_proof_of_people
from audit import record
from rating.blinding.freeze_again import FreezeAgainForm, flagged_images, freeze_again
from rating.models import Enrolment, Freeze, Study
from rating.results.cache import ResultCache
from rating.results.computation.queue import analysis_to_await
from rating.results.parts import Part
from rating.studies.study import NotPossibleError
from rating.views.conduct.signing import ask_meaning, proof_methods, sign

get_or_post = require_http_methods(["GET", "HEAD", "POST"])


@permission_required("rating.change_study", raise_exception=True)
@get_or_post
def freeze(request: HttpRequest, slug: str) -> HttpResponse:
    study = get_object_or_404(Study.objects.drafts().editable_by(request.user), slug=slug)
    return _ask_then(request, study, "freeze", forms.Form(_posted(request)), begin_freeze)


@permission_required("rating.change_study", raise_exception=True)
@get_or_post
def again(request: HttpRequest, slug: str) -> HttpResponse:
    """Leave out what the audit flagged, make the arms alike, and freeze: one step that keeps raters and protocol."""
    study = get_object_or_404(Study.objects.editable_by(request.user), slug=slug)
    form = FreezeAgainForm(_posted(request), study=study)
    if request.method == "POST" and form.is_valid():
        try:
            draft, sentence = begin_again(request.user, study, form)
        except NotPossibleError as reason:
            form.add_error(None, str(reason))
        else:
            if study.signatures:  # its freeze is signed, which that page asks for
                return redirect("rating:freeze", draft.slug)
            messages.success(request, sentence)
            return redirect(draft)
    context = {"study": study, "form": form, "flagged": len(flagged_images(study))}
    return render(request, "rating/freeze_again.html", context, status=422 if form.errors else 200)


@permission_required("rating.change_study", raise_exception=True)
@get_or_post
def close(request: HttpRequest, slug: str) -> HttpResponse:
    study = get_object_or_404(Study.objects.editable_by(request.user), slug=slug)
    return _ask_then(request, study, "close", ConfirmForm(_posted(request), name=study.name), close_study)


@permission_required("rating.view_truth", raise_exception=True)
@get_or_post
def unblind(request: HttpRequest, slug: str) -> HttpResponse:
    study = get_object_or_404(Study.objects.editable_by(request.user), slug=slug)
    require_proof_of_people(request)
    if "refuse" in request.POST:
        form = ReasonForm(request.POST)
        if form.is_valid():
            return _refused_unblinding(request, study, form)
    if "ask" in request.POST and study.unblinding_asked_by_id not in {None, request.user.pk}:
        messages.warning(request, f"{study.unblinding_asked_by} has asked meanwhile: nothing was done.")
        return redirect("rating:unblind", slug)
    return _ask_then(request, study, "unblind", ReasonForm(_posted(request)), unblind_study)


def _refused_unblinding(request: HttpRequest, study: Study, form: ReasonForm) -> HttpResponse:
    """Nothing is unblinded by it, so that no signature is asked for."""
    try:
        messages.success(request, study.refuse_unblinding(request.user, form.cleaned_data["reason"]))
    except NotPossibleError as reason:
        messages.error(request, str(reason))
    return redirect(study)


Act = Callable[[Any, Study, forms.Form], str]


def _posted(request: HttpRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


def _ask_then(request: HttpRequest, study: Study, name: str, form: forms.Form, act: Act) -> HttpResponse:
    """Show the page of this act until its form is filled rightly, then act and say what was done."""
    if study.signatures:
        require_proof(request)
    ask_meaning(form, study)
    if form.is_valid():
        try:
            messages.success(request, act(request.user, study, form))
            if study.signatures:
                sign(request.user, study, name, form.cleaned_data["meaning"], by=proof_methods(request))
        except NotPossibleError as reason:
            record(study, request.user, "was refused", act=name, reason=str(reason))
            messages.error(request, str(reason))
        return redirect(study)
    unfinished = [
        rater
        for rater in Enrolment.objects.filter(study=study, withdrawn_at=None).with_progress()
        if rater.unrated_count
    ]
    context = {"study": study, "form": form, "act": name, "unfinished": unfinished}
    status = 422 if request.method == "POST" else 200
    return render(request, "rating/point_of_no_return.html", context, status=status)


def begin_again(person: Any, study: Study, form: FreezeAgainForm) -> tuple[Study, str]:
    """The study that takes this one's place, and the sentence for the person; where it is to be signed, a draft still."""
    chosen = {"name": form.cleaned_data["name"], "leave_out": form.cleaned_data["leave_out"]}
    draft = freeze_again(study, by=person, **chosen, **form.changes())
    if study.signatures:
        return draft, "It is a draft, and its raters came along: freeze it with your signature."
    return draft, f"{begin_freeze(person, draft, forms.Form())} Its raters came along."


def begin_freeze(person: Any, study: Study, _form: forms.Form) -> str:
    if reasons := study.reasons_not_to_freeze():
        raise NotPossibleError(" ".join(reasons))
    try:
        with transaction.atomic():
            Freeze(study=study, requested_by_id=person.pk).submit()
    except IntegrityError:
        return "The study is being frozen already."
    return "The study is being frozen."


def close_study(person: Any, study: Study, _form: forms.Form) -> str:
    study.close(person)
    analysis_to_await(study, Part(), ResultCache(study), person)
    return "No more ratings are taken."


def unblind_study(person: Any, study: Study, form: forms.Form) -> str:
    if study.unblind(person, form.cleaned_data["reason"]):
        analysis_to_await(study, Part(), ResultCache(study), person)
        return "The truth is visible now."
    return "Your wish to unblind is kept; a second owner or editor has to confirm it."
