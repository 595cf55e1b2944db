"""The page that checks a published table against itself."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from rating.results.check_table import MOST_IMAGES, SPOT_THE_FAKE_LUNGS, Part, check
from rating.statistics.ratings_table import LABELS

ASKED = (("first", "First rater"), ("second", "Second rater"), ("both", "Said to be called so by both"))


class PublishedCounts(forms.Form):
    """Two raters' counts and the overlaps claimed; what is left empty was not reported."""

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        for who, title in ASKED:
            for label in LABELS:
                self.fields[f"{who}_{label}"] = forms.IntegerField(
                    min_value=0, max_value=MOST_IMAGES, required=False, label=f"{title}: {label}"
                )

    def part(self) -> Part:
        def counts_of(who: str) -> dict[str, int | None]:
            return {label: self.cleaned_data[f"{who}_{label}"] for label in LABELS}

        claims = {label: n for label, n in counts_of("both").items() if n is not None}
        return Part("Table", counts_of("first"), counts_of("second"), claims)

    def rows(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Of each row of the table its title and its fields."""
        return [(title, [self[f"{who}_{label}"] for label in LABELS]) for who, title in ASKED]


@permission_required("rating.view_study", raise_exception=True)
@require_GET
def page(request: HttpRequest) -> HttpResponse:
    form, results, error = PublishedCounts(request.GET or None), [], ""
    if form.is_valid():
        try:
            results = [check(form.part())]
        except ValueError as reason:
            error = str(reason)
    elif not form.is_bound:
        results = [check(part) for part in SPOT_THE_FAKE_LUNGS]
    context = {
        "form": form,
        "found": results,
        "error": error,
        "labels": LABELS,
        "is_example": not form.is_bound,
    }
    return render(request, "rating/check_table.html", context)
