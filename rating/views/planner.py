"""The planner: how many raters and images a study needs, as curves one can play with."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from pool.figure_style import theme_of
from rating.studies.planner import QUESTIONS, Curves, svg


class PlannerForm(forms.Form):
    rate = forms.FloatField(
        label="Expected fool rate", initial=0.5, min_value=0.01, max_value=0.99, help_text="0 to 1"
    )
    rater_sd = forms.FloatField(
        label="Spread between raters",
        initial=0.15,
        min_value=0,
        max_value=0.5,
        help_text="Standard deviation of the raters' own fool rates; 0.1 to 0.2 in published studies.",
    )
    expected = forms.FloatField(label="Expected κ", initial=0.6, min_value=0.1, max_value=0.95)
    share = forms.FloatField(
        label="Share called fake",
        initial=0.5,
        min_value=0.02,
        max_value=0.98,
        help_text="Sets the prevalence for κ.",
    )
    chosen_share = forms.FloatField(
        label="Share of the better generator",
        initial=0.65,
        min_value=0.01,
        max_value=0.99,
        help_text="Of an arena: how often it is chosen over the other, ties left out; 0.5 is alike.",
    )
    shared_variance = forms.FloatField(
        label="How alike raters answer a pair",
        initial=0.3,
        min_value=0,
        max_value=1,
        help_text="Of an arena: the share of an answer's variance that is the pair's own, 0 none, 1 all.",
    )
    effect = forms.FloatField(label="Difference in AUC to find", initial=0.05, min_value=0.005, max_value=0.4)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["step"] = "any"


@permission_required("rating.view_study", raise_exception=True)
@require_GET
def page(request: HttpRequest) -> HttpResponse:
    form = _form(request)
    answers = []
    if form.is_valid():
        query = urlencode(form.cleaned_data)
        for what in QUESTIONS:
            figure_url = f"{reverse('rating:planner_figure', args=[what])}?{query}"
            answers.append((_curves(what, form), figure_url))
    return render(request, "rating/planner.html", {"form": form, "answers": answers})


@permission_required("rating.view_study", raise_exception=True)
@require_GET
def figure(request: HttpRequest, what: str) -> HttpResponse:
    form = _form(request)
    if what not in QUESTIONS or not form.is_valid():
        raise Http404
    return HttpResponse(svg(_curves(what, form), theme_of(request.GET)), content_type="image/svg+xml")


def _form(request: HttpRequest) -> PlannerForm:
    """The form as asked for; what the address leaves out has its first value."""
    first = {name: field.initial for name, field in PlannerForm.base_fields.items()}
    return PlannerForm({**first, **{name: request.GET[name] for name in first if name in request.GET}})


def _curves(what: str, form: PlannerForm) -> Curves:
    answer, names = QUESTIONS[what]
    return answer(*(form.cleaned_data[name] for name in names))
