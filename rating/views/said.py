"""What raters said of single images: galleries, and the table of remarks with its search and its CSV."""

from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from rating.analysis.store import Kept
from rating.analysis.study import said_of
from rating.models import Study
from rating.report.gallery import GALLERIES, galleries
from rating.report.remarks import remarks_table
from rating.report.words import MODALITIES
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
    if not found:
        raise Http404
    if label:
        found = {name: [one for one in those if getattr(one, label)] for name, those in found.items()}
    name = request.GET.get("show", "")
    chosen = name if name in found else next(iter(found))
    page = Paginator(found[chosen], PER_PAGE).get_page(request.GET.get("page"))
    words: dict[str, list[Any]] = {}
    for said in said_of(study, [image.code for image in page], session=session):
        words.setdefault(said.image, []).append(said)
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
        "images": [{"image": image, "said": words.get(image.code, [])} for image in page],
    }
    return render(request, "rating/analysis_images.html", context)


@permission_required("rating.view_study", raise_exception=True)
@never_cache
@require_GET
def remarks(request: HttpRequest, slug: str) -> HttpResponse:
    """What raters wrote, to be searched, and how often they gave each reason."""
    study = get_object_or_404(Study.objects.over(), slug=slug)
    note_look(study, request.user, "remarks")
    kept = Kept(study)
    form = SaidForm(request.GET, kept.columns())
    part, rows = form.part(), _rows(study, kept, form)
    reasons = Counter((reason, row["truth"]) for row in rows for reason in row["said"].reasons)
    sought = _sought(request)
    context = {
        **frame(study, numbers_of(study, part, kept), part),
        "form": form,
        "sought": sought,
        "query": "&".join(filter(None, (urlencode({"q": sought}) if sought else "", form.query()))),
        "page": Paginator(_written(rows, sought), REMARKS_PER_PAGE).get_page(request.GET.get("page")),
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
    study = get_object_or_404(Study.objects.over(), slug=slug)
    note_look(study, request.user, "remarks")
    kept = Kept(study)
    form = SaidForm(request.GET, kept.columns())
    written = [
        (row["said"], row["modality"], row["truth"])
        for row in _written(_rows(study, kept, form), _sought(request))
    ]
    table = remarks_table(written, told=study.is_unblinded)
    return as_download(table.csv().encode(), "text/csv; charset=utf-8", "remarks.csv")


def _sought(request: HttpRequest) -> str:
    return request.GET.get("q", "").strip()


def _rows(study: Study, kept: Kept, form: SaidForm) -> list[dict[str, Any]]:
    """Everything said in words, or by a reason ticked, in the chosen part."""
    part, label, columns = form.part(), form.chosen_label(), kept.columns()
    chosen = part.of(columns)
    facts = {
        code: (modality, truth)
        for code, modality, truth in zip(chosen.images, chosen.modality, chosen.truth, strict=True)
    }
    raters = set(chosen.raters)
    return [
        {"said": said, "modality": MODALITIES[facts[said.image][0]], "truth": facts[said.image][1]}
        for said in said_of(study, session=part.session or columns.first_session, text_only=True)
        if said.image in facts and said.rater in raters and label in {"", said.label}
    ]


def _written(rows: list[dict[str, Any]], sought: str) -> list[dict[str, Any]]:
    """Those with a remark that has the words sought, by modality and image."""
    found = [row for row in rows if row["said"].remark and sought.lower() in row["said"].remark.lower()]
    return sorted(found, key=lambda row: (row["modality"], row["said"].image, row["said"].rater))
