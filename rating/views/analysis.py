"""What came of a study that is over: one page per question, figures and their files."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from jobs.views import Context
from pool.figure_style import FORMATS, PRINT, SCREEN, as_file
from rating.models import Study
from rating.results.build_report import results_of
from rating.results.cache import ResultCache
from rating.results.computation import queue
from rating.results.computation.computing import drawing_name
from rating.results.exhibit import Exhibit
from rating.results.export.table_files import TABLES
from rating.results.gallery import RatedImage, galleries
from rating.results.parts import Part
from rating.results.questions import EXHIBITS, Question, question_named
from rating.results.sections.headline import headline_of
from rating.results.study_results import StudyResults
from rating.results.verification import unconfirmed_lines
from rating.studies.trail.looks import note_look
from rating.views.analysis_filters import PartForm
from rating.views.analysis_tabs import OVERVIEW, analysis_tabs
from rating.views.awaiting import await_analysis, or_wait

MOST_FOOLING = 6  # fakes on the overview
OF_A_DRAWING = "default-src 'none'; style-src 'unsafe-inline'; sandbox"  # its own styles; it runs nothing


@permission_required("rating.view_study", raise_exception=True)
@never_cache
@require_GET
@or_wait
def overview(request: HttpRequest, slug: str) -> HttpResponse:
    study = get_object_or_404(Study.objects.visible_to(request.user), slug=slug)
    if not study.is_over:
        return render(request, "rating/analysis_waits.html", {"study": study})
    note_look(study, request.user, "overview")
    cache = ResultCache(study)
    await_analysis(request, study, Part(), cache)
    results = results_of(study, cache)
    exhibits = [
        EXHIBITS[name]
        for name in (
            *(() if results.primary else ("primary",)),
            "noticed",
            "found",
            "arena-strengths",
            "labels-by-truth",
            "labels-by-modality",
            "agreement",
        )
    ]
    context = {
        **frame(study, results, Part(), OVERVIEW),
        "headline": headline_of(results),
        "most_fooling": most_fooling(study, results, cache),
        "unconfirmed": unconfirmed_lines(study),
        "exhibits": [
            exhibit_context(exhibit, results)
            for exhibit in exhibits
            if exhibit.fits(results) and (results.truth or not exhibit.needs_truth)
        ],
    }
    return render(request, "rating/analysis.html", context)


def most_fooling(study: Study, results: StudyResults, cache: ResultCache) -> Sequence[RatedImage]:
    """The fakes that most raters called real, of the first session; none where sets were shown or nobody was fooled.

    Of a study with more ratings than a request reads, the page of galleries alone counts them image by image.
    """
    if results.truth is None or study.shows_sets or results.agreement.ratings > queue.MOST_AT_ONCE:
        return []
    columns = cache.columns()
    images = galleries(columns, columns.first_session).get("most-fooling", [])
    return [image for image in images if isinstance(image, RatedImage)][:MOST_FOOLING]


@permission_required("rating.view_study", raise_exception=True)
@never_cache
@require_GET
@or_wait
def question(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """One question's page: each figure with its table."""
    study, chosen_question = _over(request, slug), _question(name)
    note_look(study, request.user, name)
    cache = ResultCache(study)
    await_analysis(request, study, Part(), cache)
    form = PartForm(request.GET, cache.columns())
    part = form.part()
    await_analysis(request, study, part, cache)
    results = results_of(study, cache, part)
    context = {
        **frame(study, results, part, name),
        "question": chosen_question,
        "form": form,
        "exhibits": [exhibit_context(exhibit, results) for exhibit in chosen_question.exhibits_of(results)],
    }
    return render(request, "rating/analysis_question.html", context)


@permission_required("rating.view_study", raise_exception=True)
@never_cache
@require_GET
@or_wait
def figure(request: HttpRequest, slug: str, name: str, kind: str) -> HttpResponse:
    """An exhibit as a file: its drawing as svg, pdf or png, its table as csv, Word or LaTeX; for paper if asked."""
    study, exhibit = _over(request, slug), EXHIBITS.get(name)
    if exhibit is None:
        raise Http404
    if exhibit.needs_truth:
        note_look(study, request.user, f"figure {name}", embedded=True)
    cache = ResultCache(study)
    await_analysis(request, study, Part(), cache)
    part = PartForm(request.GET, cache.columns()).part()
    await_analysis(request, study, part, cache)
    results = results_of(study, cache, part)
    if exhibit.why_missing(results) or (kind not in TABLES and exhibit.draw is None):
        raise Http404
    if kind in TABLES:
        content_type, write = TABLES[kind]
        return as_download(write(exhibit.table(results), exhibit.title), content_type, f"{name}.{kind}")
    on_screen = kind == "svg" and "print" not in request.GET
    theme = SCREEN if on_screen else PRINT
    draw = exhibit.draw
    assert draw is not None  # noqa: S101  looked at above
    content = cache.bytes(
        drawing_name(name, part, kind, is_for_screen=on_screen),
        lambda: as_file(draw(results, theme), kind),
    )
    response = as_download(content, FORMATS[kind], "" if on_screen else f"{name}.{kind}")
    response["Content-Security-Policy"] = OF_A_DRAWING
    return response


def frame(study: Study, results: StudyResults, part: Part, page: str) -> Context:
    """What every page of the analysis has."""
    return {
        "study": study,
        "results": results,
        "report": results.agreement,
        "tabs": analysis_tabs(study, results, page, part.query),
        "part": part,
    }


def exhibit_context(exhibit: Exhibit, results: StudyResults) -> Context:
    """An exhibit for the template: its table, or why there is none."""
    why = exhibit.why_missing(results)
    return {"exhibit": exhibit, "missing": why, "table": None if why else exhibit.table(results).to_read()}


def _over(request: HttpRequest, slug: str) -> Study:
    return get_object_or_404(Study.objects.results_open_to(request.user), slug=slug)


def _question(name: str) -> Question:
    if (named_question := question_named(name)) is None:
        raise Http404
    return named_question


def as_download(content: bytes, kind: str, name: str) -> HttpResponse:
    """Content to be kept under a name; without one it is shown."""
    response = HttpResponse(content, content_type=kind)
    if name:
        response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
