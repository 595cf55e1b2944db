"""Image bytes. What a rater gets depends on pixels and on nothing else."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required, permission_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from rating.models import Presentation, Study, StudyImage

# What decides whether an image may be shown now, and which; a page of images asks this for each of them.
LOOKED_AT = (
    "places",
    "study_image__derivative",
    "sitting__session",
    "sitting__created_at",
    *(f"sitting__enrolment__{field}" for field in ("consented_at", "informed_at", "consent_version")),
    *(f"sitting__enrolment__study__{field}" for field in ("design", "washout_days", "consent")),
    *(
        f"sitting__enrolment__study__{field}"
        for field in ("instructions", "first_instructions", "prevalence_note")
    ),
)


@transaction.non_atomic_requests  # it reads once and writes nothing
@login_not_required
@require_GET
def presented(request: HttpRequest, token: str, place: int | None = None) -> HttpResponse:
    """A presentation's derivative, of a set the one at this place, for its own rater; to others nothing is there."""
    if not request.user.is_authenticated:
        raise Http404
    presentations = Presentation.objects.of(request.user).reachable().with_sitting()
    of_rater = presentations.select_related("study_image").only(*LOOKED_AT)
    presentation = get_object_or_404(of_rater, token=token)
    if not presentation.may_be_read():
        raise Http404
    image = presentation.image_at(place)
    if image is None:
        raise Http404
    return _png(image)


@permission_required("rating.view_truth", raise_exception=True)
@require_GET
def of_study(request: HttpRequest, slug: str, code: str) -> HttpResponse:
    """A study image by its code, for the analysis of a study that is over."""
    study = get_object_or_404(Study.objects.results_open_to(request.user), slug=slug)
    return _png(get_object_or_404(StudyImage, study=study, code=code))


def _png(study_image: StudyImage) -> HttpResponse:
    with study_image.derivative.open("rb") as image:
        return HttpResponse(
            image.read(), content_type="image/png", headers={"Cache-Control": "private, no-store"}
        )
