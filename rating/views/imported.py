"""Ratings made elsewhere: brought in, looked at, taken out again."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.forms import ReasonForm
from pool.figure_style import FORMATS
from rating.models import ImportedRatings
from rating.results.export.table_files import TABLES
from rating.results.imported.form import ImportedRatingsForm
from rating.results.imported.model import NOTICE
from rating.results.imported.numbers import (
    answered_questions,
    exhibit_named,
    results_of_imported,
    truth_words,
)
from rating.results.imported.report import (
    drawing_of_imported,
    imported_csv,
    imported_drawer,
    report_on_imported,
)
from rating.results.parts import Part
from rating.views.analysis import OF_A_DRAWING, as_download, exhibit_context

may_view = permission_required("rating.view_study", raise_exception=True)
PER_PAGE = 50
FIGURES = "rating:imported_figure"


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("rating.add_study", raise_exception=True)
def imported_list(request: HttpRequest) -> HttpResponse:
    """Those there are, and a form for more."""
    form = ImportedRatingsForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        return redirect(form.save_by(request.user))
    rows = ImportedRatings.objects.visible_to(request.user).defer("table")
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    context = {"form": form, "rows": page, "page": page, "notice": NOTICE}
    return render(request, "rating/imported_list.html", context, status=422 if form.errors else 200)


@require_safe
@may_view
@never_cache
def imported(request: HttpRequest, slug: str) -> HttpResponse:
    row = _visible(request, slug)
    results = results_of_imported(row)
    context = {
        "row": row,
        "notice": NOTICE,
        "report": results.agreement,
        "truth_words": truth_words(results),
        "questions": [
            (question, [exhibit_context(exhibit, results) for exhibit in exhibits])
            for question, exhibits in answered_questions(results)
        ],
        "part": Part(),
        "figures": FIGURES,
        "is_own": ImportedRatings.objects.owned_by(request.user).filter(pk=row.pk).exists(),
        "reason_form": ReasonForm(),
    }
    return render(request, "rating/imported.html", context)


@require_safe
@may_view
@never_cache
def imported_figure(request: HttpRequest, slug: str, name: str, kind: str) -> HttpResponse:
    """An exhibit as a file, as of a study."""
    row = _visible(request, slug)
    results = results_of_imported(row)
    exhibit = exhibit_named(results, name)
    if exhibit is None or (kind not in TABLES and exhibit.draw is None):
        raise Http404
    if kind in TABLES:
        content_type, write = TABLES[kind]
        content = write(exhibit.table(results), f"{exhibit.title} (imported)")
        return as_download(content, content_type, f"imported-{name}.{kind}")
    on_screen = kind == "svg" and "print" not in request.GET
    drawing = drawing_of_imported(row, exhibit, kind, on_screen=on_screen)
    response = as_download(drawing, FORMATS[kind], "" if on_screen else f"imported-{name}.{kind}")
    response["Content-Security-Policy"] = OF_A_DRAWING
    return response


@require_safe
@permission_required("rating.export_study", raise_exception=True)
@never_cache
def imported_ratings_csv(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    row = _visible(request, slug)
    headers = {"Content-Disposition": f'attachment; filename="imported-ratings-{row.slug}.csv"'}
    return StreamingHttpResponse(imported_csv(row), content_type="text/csv; charset=utf-8", headers=headers)


@require_safe
@may_view
@never_cache
def imported_report(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    """The report as one file, html or pdf."""
    from rating.results.report.html import as_html
    from rating.results.report.pdf import as_pdf

    row = _visible(request, slug)
    report = report_on_imported(row, f"{timezone.now():%Y-%m-%d}")
    make, content_type = {"html": (as_html, "text/html; charset=utf-8"), "pdf": (as_pdf, "application/pdf")}[
        kind
    ]
    return as_download(make(report, imported_drawer(row)), content_type, f"imported-report-{row.slug}.{kind}")


@require_POST
@permission_required("rating.change_study", raise_exception=True)
def remove_imported(request: HttpRequest, slug: str) -> HttpResponse:
    """Taken out again by its owner, with a reason that the log keeps."""
    row = get_object_or_404(ImportedRatings.objects.owned_by(request.user), slug=slug)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Say why; the reason is kept in the log.")
        return redirect(row)
    row.remove(by=request.user, reason=form.cleaned_data["reason"])
    messages.success(request, f"“{row}” is removed.")
    return redirect("rating:imported_list")


def _visible(request: HttpRequest, slug: str) -> ImportedRatings:
    return get_object_or_404(ImportedRatings.objects.visible_to(request.user), slug=slug)
