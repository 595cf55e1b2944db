"""What raters said of single images or sets: galleries, and the table of remarks with its search and its CSV."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from rating.models import Study
from rating.results.cache import Kept
from rating.results.exhibit import Table
from rating.results.gallery import GALLERIES, galleries
from rating.results.query import said_of
from rating.results.sections.remarks import Remark, remarks_table, with_facts
from rating.studies.sets import members_of_sets
from rating.views.analysis import as_download, frame, note_look, numbers_of
from rating.views.analysis_filters import SaidForm

PER_PAGE = 48
REMARKS_PER_PAGE = 100


@permission_required("rating.view_study", raise_exception=True)
@never_cache
@require_GET
def images(request: HttpRequest, slug: str) -> HttpResponse:
    """The galleries: most fooling fakes, real images called fake, called fake by two or more, split opinions."""
    study = get_object_or_404(Study.objects.over(), slug=slug)
    note_look(study, request.user, "images")
    kept = Kept(study)
    form = SaidForm(request.GET, kept.columns())
    part, label = form.part(), form.chosen_label()
    columns = part.of(kept.columns())
    session = part.session or columns.first_session
    found = galleries(columns, session)
    if label:
        found = {name: [one for one in those if one.given(label)] for name, those in found.items()}
    name = request.GET.get("show", "")
    chosen = name if name in found else next(iter(found))
    page = Paginator(found[chosen], PER_PAGE).get_page(request.GET.get("page"))
    words: dict[str, list[Any]] = {}
    for said in said_of(study, [image.code for image in page], session=session):
        if said.rater in columns.raters:
            words.setdefault(said.image, []).append(said)
    members = members_of_sets(study) if study.shows_sets else {}
    context = {
        **frame(study, numbers_of(study, part, kept), part),
        "form": form,
        "galleries": [
            {"name": key, "title": GALLERIES[key], "count": len(those)} for key, those in found.items()
        ],
        "chosen": chosen,
        "title": GALLERIES[chosen],
        "query": form.query(),
        "page": page,
        "images": [
            {
                "image": image,
                "said": words.get(image.code, []),
                "members": list(zip(columns.labels, members.get(image.code, ()), strict=False)),
            }
            for image in page
        ],
    }
    return render(request, "rating/analysis_images.html", context)


@permission_required("rating.view_study", raise_exception=True)
@never_cache
@require_GET
def remarks(request: HttpRequest, slug: str) -> HttpResponse:
    """What raters wrote, to be searched, and how often they gave each reason."""
    asked = _Asked(request, slug)
    page = Paginator(asked.written, REMARKS_PER_PAGE).get_page(request.GET.get("page"))
    reasons = Counter((reason, one.truth) for one in asked.said for reason in one.said.reasons)
    context = {
        **frame(asked.study, numbers_of(asked.study, asked.form.part(), asked.kept), asked.form.part()),
        "form": asked.form,
        "first_phase": asked.first_phase,
        "sought": asked.sought,
        "query": asked.query,
        "page": page,
        "table": asked.table(list(page)),
        "reasons": [
            {"reason": reason, "truth": truth, "count": n} for (reason, truth), n in reasons.most_common()
        ],
    }
    return render(request, "rating/analysis_remarks.html", context)


@permission_required("rating.view_study", raise_exception=True)
@never_cache
@require_GET
def remarks_csv(request: HttpRequest, slug: str) -> HttpResponse:
    """The remarks that the page shows, search and filters included."""
    asked = _Asked(request, slug)
    table = asked.table(asked.written)
    return as_download(table.csv().encode(), "text/csv; charset=utf-8", "remarks.csv")


class _Asked:
    """What was written in the chosen part of a study: of the informed sessions, or else before raters were told."""

    def __init__(self, request: HttpRequest, slug: str) -> None:
        self.study = get_object_or_404(Study.objects.over(), slug=slug)
        note_look(self.study, request.user, "remarks")
        self.kept = Kept(self.study)
        self.first_phase = self.study.has_two_phases and request.GET.get("phase") == "first"
        self.sought = request.GET.get("q", "").strip()
        columns = self.kept.columns(first_phase=self.first_phase)
        self.form = SaidForm(request.GET, columns)
        part, label = self.form.part(), self.form.chosen_label()
        chosen = part.of(columns)
        said = said_of(self.study, session=part.session or columns.first_session, text_only=True)
        self.said = [
            one
            for one in with_facts(chosen, said)
            if one.said.rater in chosen.raters and label in {"", one.said.label}
        ]

    @property
    def written(self) -> list[Remark]:
        """Those with a remark that has the words sought, by modality and image."""
        found = [
            one for one in self.said if one.said.remark and self.sought.lower() in one.said.remark.lower()
        ]
        return sorted(found, key=Remark.place)

    @property
    def query(self) -> str:
        """All that was asked for, as an address says it."""
        own = {"q": self.sought, "phase": "first" if self.first_phase else ""}
        words = urlencode({name: value for name, value in own.items() if value})
        return "&".join(filter(None, (words, self.form.query())))

    def table(self, those: Sequence[Remark]) -> Table:
        return remarks_table(those, told=self.study.is_unblinded, first_phase=self.first_phase)
