"""How usable the site was, asked of a rater who has read all."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from rating.models import Sitting
from rating.reading.usability import UsabilityAnswer, UsabilityForm
from rating.views.raters import for_raters


@for_raters
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """The ten statements; sent empty, the rater would not say and is not asked again."""
    sitting = Sitting.objects.open_to(request.user).filter(enrolment__study__slug=slug).at_hand()
    if sitting is None or not sitting.enrolment.study.ask_usability:
        raise Http404
    if not sitting.is_read or not UsabilityAnswer.is_due(sitting):
        return redirect("rating:read", slug)
    form = UsabilityForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        form.save(sitting)
        return redirect("rating:read", slug)
    context = {"study": sitting.enrolment.study, "form": form}
    return render(request, "rating/usability.html", context, status=422 if form.errors else 200)
