"""What stands around the reading: consent, who the rater is, the display check, preferences."""

from __future__ import annotations

from functools import partial
from typing import Any

from django import forms
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from accounts.people.preferences_form import preferences_form
from rating.models import Enrolment, Sitting
from rating.reading.consent_copy import mail_consent, withdrawal_words
from rating.reading.display_check import SQUARES, DisplayForm, is_due
from rating.views.raters import for_everybody, for_raters, wants_json


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the type checker only
    """Who reads, as papers report it; and the consent without which nobody begins."""

    consent = forms.BooleanField(
        label=_("I have read this and take part of my own free will."),
        error_messages={"required": _("Please agree, or close this page.")},
    )

    class Meta:
        model = Enrolment
        fields = ["years", "subspecialty", "ai_knowledge"]
        labels = {
            "years": _("Years of reading images"),
            "subspecialty": _("Subspecialty"),
            "ai_knowledge": _("What do you know of generative AI?"),
        }
        widgets = {"years": forms.NumberInput(attrs={"min": 0, "max": 80})}

    def __init__(self, *args: Any, sitting: Sitting, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if sitting.is_blinded_to_purpose:
            del self.fields["ai_knowledge"]  # the question alone would tell

    def profile(self) -> dict[str, object]:
        return {field: self.cleaned_data[field] for field in self._meta.fields or () if field in self.fields}


@for_raters
def begin(request: HttpRequest, slug: str) -> HttpResponse:
    """Instructions, consent and profile; once agreed to, again only when the words have changed.

    In a study of two phases this is also where a rater, after the first, is told the purpose.
    """
    sitting = _sitting(request, slug)
    if not sitting.may_begin():
        return redirect("rating:read", slug)
    enrolment = sitting.enrolment
    form = ProfileForm(request.POST or None, instance=enrolment, sitting=sitting)
    if request.method == "POST" and form.is_valid():
        enrolment.consent(sitting.session, **form.profile())
        transaction.on_commit(partial(mail_consent, enrolment), robust=True)
        return redirect("rating:display" if is_due(sitting) else "rating:read", slug)
    instructions, prevalence_note = enrolment.study.told_before(sitting.session)
    context = {
        "study": enrolment.study,
        "enrolment": enrolment,
        "instructions": instructions,
        "prevalence_note": prevalence_note,
        "withdrawal": withdrawal_words(enrolment),
        "form": form,
    }
    return render(request, "rating/begin.html", context, status=422 if form.errors else 200)


@for_raters
def display(request: HttpRequest, slug: str) -> HttpResponse:
    """Contrast, size and room, kept with the sitting; nobody is turned away for what they see."""
    sitting = _sitting(request, slug)
    form = DisplayForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save(sitting)
        return redirect("rating:read", slug)
    context = {
        "study": sitting.enrolment.study,
        "form": form,
        "squares": SQUARES,
        "ticked": [int(level) for level in request.POST.getlist("levels") if level.isdecimal()],
    }
    return render(request, "rating/display.html", context, status=422 if form.errors else 200)


@for_everybody
def preferences(request: HttpRequest) -> HttpResponse:
    form = preferences_form(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        if wants_json(request):
            return JsonResponse({"saved": True})
        return redirect(_back(request))
    frame = "rating/rater.html" if request.user.has_perm("rating.rate") else "base.html"
    context = {"form": form, "back": _back(request), "frame": frame}
    return render(request, "rating/preferences.html", context, status=422 if form.errors else 200)


def _back(request: HttpRequest) -> str:
    address = request.POST.get("next") or request.GET.get("next") or ""
    safe = address.startswith("/") and url_has_allowed_host_and_scheme(address, allowed_hosts=None)
    own = "rating:reading_list" if request.user.has_perm("rating.rate") else "account"
    return address if safe else reverse(own)


def _sitting(request: HttpRequest, slug: str) -> Sitting:
    """The one this person is to go on with."""
    sitting = Sitting.objects.current(request.user, _enrolment(request, slug).study)
    if sitting is None:
        raise Http404
    return sitting


def _enrolment(request: HttpRequest, slug: str) -> Enrolment:
    """This person's place in a study that is open."""
    return get_object_or_404(Enrolment.objects.of(request.user), study__slug=slug, study__state="open")
