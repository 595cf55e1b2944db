"""What raters said of single images or sets: galleries, and the table of remarks with its search and its CSV."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from jobs.snapshot import in_one_snapshot
from rating.models import Study
from rating.reading.revision_chain import refuse_where_ratings_differ
from rating.results.build_report import results_of
from rating.results.cache import ResultCache
from rating.results.display_names import MODALITIES
from rating.results.exhibit import Table
from rating.results.export.filtered_remarks import RemarkFilter, filtered_remark_lines
from rating.results.gallery import GALLERIES, galleries
from rating.results.marks_over_image import marked_images
from rating.results.parts import Part
from rating.results.query import Response, rated_sessions, read_facts, responses_of
from rating.results.remarks import remarks_table, with_facts
from rating.studies.sampling.generators import generators_in_words
from rating.studies.sampling.sets import members_of_sets
from rating.studies.trail.looks import note_look
from rating.views.analysis import frame
from rating.views.analysis_filters import ResponseForm
from rating.views.analysis_tabs import IMAGES, REMARKS
from rating.views.awaiting import await_analysis, or_wait

PER_PAGE = 48
# Each image stands with what each rater said: of a study of many raters a page has fewer images, and takes no longer.
MOST_ANSWERS, FEWEST_IMAGES = 1200, 12
REMARKS_PER_PAGE = 100


@permission_required("rating.view_study", raise_exception=True)
@never_cache
@require_GET
@or_wait
def images(request: HttpRequest, slug: str) -> HttpResponse:
    """The galleries: most fooling fakes, real images called fake, called fake by two or more, split opinions."""
    study = get_object_or_404(Study.objects.results_open_to(request.user), slug=slug)
    note_look(study, request.user, "images")
    cache = ResultCache(study)
    await_analysis(request, study, Part(), cache)
    all_columns = cache.columns()
    form = ResponseForm(request.GET, all_columns)
    part, label = form.part(), form.chosen_label()
    await_analysis(request, study, part, cache)
    columns = part.of(all_columns)
    session = part.session or columns.first_session
    images_by_gallery = galleries(columns, session, generators_in_words(study))
    if label:
        images_by_gallery = {
            name: [rated_image for rated_image in images_of_gallery if rated_image.count_of(label)]
            for name, images_of_gallery in images_by_gallery.items()
        }
    name = request.GET.get("show", "")
    chosen = name if name in images_by_gallery else next(iter(images_by_gallery))
    per_page = images_a_page(len(columns.raters))
    page = Paginator(images_by_gallery[chosen], per_page).get_page(request.GET.get("page"))
    responses: dict[str, list[Any]] = {}
    raters = set(columns.raters)
    codes = [image.code for image in page]
    for response in responses_of(study, codes, session=session):
        if response.rater in raters:
            responses.setdefault(response.image, []).append(response)
    members = members_of_sets(study) if study.shows_sets else {}
    marked = marked_images(study, codes) if study.lets_mark and study.is_unblinded else set()
    context = {
        **frame(study, results_of(study, cache, part), part, IMAGES),
        "form": form,
        "galleries": [
            {"name": key, "title": GALLERIES[key], "count": len(images_of_gallery)}
            for key, images_of_gallery in images_by_gallery.items()
        ],
        "chosen": chosen,
        "title": GALLERIES[chosen],
        "query": form.query(),
        "page": page,
        "images": [
            {
                "image": image,
                "said": responses.get(image.code, []),
                "is_marked": image.code in marked,
                "members": list(zip(columns.labels, members.get(image.code, ()), strict=False)),
            }
            for image in page
        ],
    }
    return render(request, "rating/analysis_images.html", context)


def images_a_page(raters: int) -> int:
    return max(FEWEST_IMAGES, min(PER_PAGE, MOST_ANSWERS // max(1, raters)))


@permission_required("rating.view_study", raise_exception=True)
@never_cache
@require_GET
@or_wait
def remarks(request: HttpRequest, slug: str) -> HttpResponse:
    """What raters wrote, to be searched, and how often they gave each reason."""
    study = get_object_or_404(Study.objects.results_open_to(request.user), slug=slug)
    note_look(study, request.user, "remarks")
    cache = ResultCache(study)
    await_analysis(request, study, Part(), cache)
    search = _RemarkSearch(request, study, cache)
    part = search.form.part()
    page = Paginator(search.written, REMARKS_PER_PAGE).get_page(request.GET.get("page"))
    reasons = Counter(
        (reason, search.truth[answer.image]) for answer in search.answers for reason in answer.reasons
    )
    context = {
        **frame(study, results_of(study, cache, part), part, REMARKS),
        "form": search.form,
        "is_owner": search.study.is_owned_by(request.user),
        "first_phase": search.first_phase,
        "sought": search.sought,
        "query": search.query,
        "page": page,
        "table": search.table(list(page)),
        "reasons": [
            {"reason": reason, "truth": truth, "count": n} for (reason, truth), n in reasons.most_common()
        ],
    }
    return render(request, "rating/analysis_remarks.html", context)


@permission_required("rating.view_study", raise_exception=True)
@never_cache
@require_GET
def remarks_csv(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The remarks that the page shows, search and filters included."""
    study = get_object_or_404(Study.objects.results_open_to(request.user), slug=slug)
    note_look(study, request.user, "remarks")
    refuse_where_ratings_differ(study)
    lines = in_one_snapshot(filtered_remark_lines(study, _remark_filter(request, study)))
    headers = {"Content-Disposition": 'attachment; filename="remarks.csv"'}
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)


def _remark_filter(request: HttpRequest, study: Study) -> RemarkFilter:
    first_phase = _is_of_first_phase(request, study)
    facts = read_facts(study, first_phase=first_phase)
    sessions = rated_sessions(study, first_phase=first_phase)
    form = ResponseForm(request.GET, facts, sessions)
    part = form.part()
    session = part.session or min(sessions, default=1)
    return RemarkFilter(part.of(facts), session, form.chosen_label(), _words_sought(request), first_phase)


def _is_of_first_phase(request: HttpRequest, study: Study) -> bool:
    return study.has_two_phases and request.GET.get("phase") == "first"


def _words_sought(request: HttpRequest) -> str:
    return request.GET.get("q", "").strip()


class _RemarkSearch:
    """What was written in the chosen part of a study: of the informed sessions, or else before raters were told."""

    def __init__(self, request: HttpRequest, study: Study, cache: ResultCache) -> None:
        self.study, self.cache = study, cache
        self.first_phase = _is_of_first_phase(request, study)
        self.sought = _words_sought(request)
        columns = self.cache.columns(first_phase=self.first_phase)
        self.form = ResponseForm(request.GET, columns)
        part, label = self.form.part(), self.form.chosen_label()
        await_analysis(request, self.study, part, self.cache)
        chosen = part.of(columns)
        responses = self.cache.texts(part.session or columns.first_session)
        raters = set(chosen.raters)
        answers = [each for each in responses if each.rater in raters and label in {"", each.label}]
        self.columns = chosen
        self.truth = dict(zip(chosen.images, chosen.truth, strict=True))
        self.answers = [each for each in answers if each.image in self.truth]

    @property
    def written(self) -> list[Response]:
        """Those with a remark that has the words sought, by modality and image."""
        modality = dict(zip(self.columns.images, self.columns.modality, strict=True))
        words = self.sought.lower()
        matches = [each for each in self.answers if each.remark and words in each.remark.lower()]
        return sorted(matches, key=lambda each: MODALITIES[modality[each.image]])  # by image they are already

    @property
    def query(self) -> str:
        """All that was asked for, as an address says it."""
        own = {"q": self.sought, "phase": "first" if self.first_phase else ""}
        words = urlencode({name: value for name, value in own.items() if value})
        return "&".join(filter(None, (words, self.form.query())))

    def table(self, answers: Sequence[Response]) -> Table:
        remarks = with_facts(self.columns, answers)
        return remarks_table(remarks, with_truth=self.study.is_unblinded, first_phase=self.first_phase)
