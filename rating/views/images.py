"""Image bytes. What a rater gets depends on pixels and on nothing else."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required, permission_required
from django.db import transaction
from django.db.models import BigIntegerField, CharField, IntegerField
from django.db.models.fields.files import FieldFile
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext
from django.views.decorators.http import require_GET

from accounts.prepared_query import Parameter, PreparedQuery
from pool.storage.stored_files import LostFileError, stored_bytes
from rating.models import Presentation, Study, StudyImage
from rating.results.marks_over_image import marks_over_image, raters_marking
from rating.studies.sittings.presentation import PresentationQuerySet

NOT_STORED = {"Cache-Control": "private, no-store"}
# What decides whether an image may be shown now, and which; a page of images asks this for each of them.
LOOKED_AT = (
    "places",
    "study_image__derivative",
    "sitting__session",
    "sitting__created_at",
    "sitting__display",
    "sitting__next_position",
    "sitting__enrolment__study__display_check",
    *(f"sitting__enrolment__{field}" for field in ("consented_at", "informed_at", "consent_version")),
    *(f"sitting__enrolment__study__{field}" for field in ("design", "sessions", "washout_days", "consent")),
    "sitting__enrolment__study__withdrawal",
    "sitting__enrolment__study__slices",
    *(
        f"sitting__enrolment__study__{field}"
        for field in ("instructions", "first_instructions", "clues", "prevalence_note")
    ),
)


def _of_token() -> PresentationQuerySet:
    of_rater = Presentation.objects.of(Parameter("user", BigIntegerField())).reachable().with_sitting()
    of_token = of_rater.filter(token=Parameter("token", CharField()))
    return of_token.select_related("study_image").only(*LOOKED_AT).order_by()


OF_TOKEN = PreparedQuery(_of_token)
SLICE_OF_TOKEN = PreparedQuery(lambda: _of_token().with_slice(Parameter("slice", IntegerField())))


@transaction.non_atomic_requests  # it reads once and writes nothing
@login_not_required
@require_GET
def presented(request: HttpRequest, token: str, place: int | None = None) -> HttpResponse:
    """A presentation's derivative, of a set or a stack the one at this place, for its own rater; to others nothing is there."""
    if not request.user.is_authenticated:
        raise Http404
    if place is None:
        presentation = OF_TOKEN.first(user=request.user.pk, token=token)
    else:
        presentation = SLICE_OF_TOKEN.first(user=request.user.pk, token=token, slice=place)
    if presentation is None or not presentation.may_be_read():
        raise Http404
    file = presentation.file_at(place)
    if not file:
        raise Http404
    try:
        return _png(file, "an image")
    except LostFileError:  # the same for every image: no code, no name
        words = gettext("The file of this image is lost; please tell the organiser of the study.")
        return HttpResponse(words, content_type="text/plain; charset=utf-8", status=410, headers=NOT_STORED)


@permission_required("rating.view_truth", raise_exception=True)
@require_GET
def of_study(request: HttpRequest, slug: str, code: str) -> HttpResponse:
    """A study image by its code, for the analysis of a study that is over."""
    study = get_object_or_404(Study.objects.results_open_to(request.user), slug=slug)
    return png_of(get_object_or_404(StudyImage, study=study, code=code), f"image {code}")


@permission_required("rating.view_truth", raise_exception=True)
@require_GET
def marks_of_study(request: HttpRequest, slug: str, code: str) -> HttpResponse:
    """Where raters marked an image, over it, once the study is unblinded; of a stack all slices over its middle one."""
    studies = Study.objects.results_open_to(request.user).filter(state=Study.State.UNBLINDED, marks=True)
    study_image = get_object_or_404(
        StudyImage.objects.select_related("study"), study=get_object_or_404(studies, slug=slug), code=code
    )
    counts, raters = raters_marking(study_image)
    png = marks_over_image(stored_bytes(study_image.derivative, f"image {code}"), counts, raters)
    return HttpResponse(png, content_type="image/png", headers=NOT_STORED)


def png_of(study_image: StudyImage, owner: str) -> HttpResponse:
    return _png(study_image.derivative, owner)


def _png(file: FieldFile, owner: str) -> HttpResponse:
    png = stored_bytes(file, owner)
    return HttpResponse(png, content_type="image/png", headers=NOT_STORED)
