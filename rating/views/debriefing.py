"""What a rater finds at the end of the reading, whatever has become of the study; never an empty address."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from rating.models import Enrolment, Presentation
from rating.reading.debriefing import debriefing_of, log_look_at_score, may_see_truth
from rating.studies.outreach.recruitment import completion_of
from rating.views.images import png_of
from rating.views.raters import for_raters


@for_raters
@require_GET
def page(request: HttpRequest, slug: str) -> HttpResponse:
    enrolment = _enrolment(request, slug)
    debriefing = debriefing_of(enrolment)
    if debriefing.shows_truth:
        log_look_at_score(enrolment)
    study = enrolment.study
    # Whoever has not been told the purpose reads nothing here of what images were.
    is_told = enrolment.session_told_of >= study.first_informed_session
    context = {"study": study, "enrolment": enrolment, "debriefing": debriefing, "is_told": is_told}
    context["completion"] = completion_of(enrolment)
    return render(request, "rating/debriefing.html", context)


@for_raters
@require_GET
def image(request: HttpRequest, slug: str, token: str, place: int) -> HttpResponse:
    """An image of the rater's own sittings, once its truth is theirs to see."""
    enrolment = _enrolment(request, slug)
    if not may_see_truth(enrolment):
        raise Http404
    presentation = get_object_or_404(
        Presentation.objects.select_related("study_image"), token=token, sitting__enrolment=enrolment
    )
    study_image = presentation.image_at(place or None)
    if study_image is None:
        raise Http404
    return png_of(study_image, "an image")


def _enrolment(request: HttpRequest, slug: str) -> Enrolment:
    """This person's place in the study, also where they have withdrawn."""
    return get_object_or_404(Enrolment.objects.ever_of(request.user), study__slug=slug)
