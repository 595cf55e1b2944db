"""What came of a study that is over: one page per question, figures and their files."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from audit import record
from jobs.views import Context
from pool.figure_style import FORMATS, PRINT, SCREEN, as_file
from rating.models import Study
from rating.results.build_report import results_of
from rating.results.cache import ResultCache
from rating.results.computation.computing import drawing_name
from rating.results.exhibit import Exhibit
from rating.results.export.table_files import TABLES
from rating.results.parts import Part
from rating.results.questions import EXHIBITS, GROUPS, QUESTIONS, Question, question_named
from rating.results.study_results import StudyResults
from rating.results.verification import unconfirmed_lines
from rating.views.analysis_filters import PartForm
from rating.views.awaiting import await_analysis, or_wait

OF_A_DRAWING = "default-src 'none'; style-src 'unsafe-inline'; sandbox"  # its own styles; it runs nothing
LOOK = "looked at the truth"
A_LOOK_LASTS = timedelta(minutes=10)


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
            "primary",
            "noticed",
            "found",
            "arena-strengths",
            "labels-by-truth",
            "labels-by-modality",
            "agreement",
        )
    ]
    context = {
        **frame(study, results, Part()),
        "unconfirmed": unconfirmed_lines(study),
        "exhibits": [
            exhibit_context(exhibit, results)
            for exhibit in exhibits
            if exhibit.fits(results) and (results.truth or not exhibit.needs_truth)
        ],
    }
    return render(request, "rating/analysis.html", context)


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
        **frame(study, results, part),
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


def frame(study: Study, results: StudyResults, part: Part) -> Context:
    """What every page of the analysis has."""
    questions = {
        question.name: question
        for question in QUESTIONS
        if question.exhibits_of(results) and (study.is_unblinded or not question.needs_truth)
    }
    return {
        "study": study,
        "results": results,
        "report": results.agreement,
        "groups": [
            (title, [questions[name] for name in names if name in questions]) for title, names in GROUPS
        ],
        "part": part,
    }


def exhibit_context(exhibit: Exhibit, results: StudyResults) -> Context:
    """An exhibit for the template: its table, or why there is none."""
    why = exhibit.why_missing(results)
    return {"exhibit": exhibit, "missing": why, "table": None if why else exhibit.table(results).to_read()}


def note_look(study: Study, user: Any, what: str, *, embedded: bool = False) -> None:
    """Keep in the log that somebody saw what depends on the truth.

    A figure is part of a page whose look was kept a moment before; it is kept itself only when fetched alone.
    """
    if not study.is_unblinded:
        return
    if embedded:
        recent_looks = study.events.by(user).filter(action=LOOK, at__gte=timezone.now() - A_LOOK_LASTS)
        if recent_looks.exists():
            return
    record(study, user, LOOK, page=what)


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
