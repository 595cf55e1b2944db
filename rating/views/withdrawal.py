"""The rater's own withdrawal, and the copy of what they agreed to."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from rating.models import Enrolment
from rating.reading.consent_copy import consent_text, withdrawal_words
from rating.reading.withdrawal import leave as withdraw
from rating.results.cache import forget
from rating.studies.study import NotPossibleError
from rating.views.raters import for_raters


class WithdrawalForm(forms.Form):
    sure = forms.BooleanField(label=gettext_lazy("I withdraw from this study."))


@for_raters
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: HttpRequest, slug: str) -> HttpResponse:
    """Say what will become of the ratings, ask once more, and end this rater's part."""
    enrolment = get_object_or_404(
        Enrolment.objects.of(request.user).exclude(study__state="unblinded"), study__slug=slug
    )
    form = WithdrawalForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            withdraw(enrolment)
        except NotPossibleError as reason:
            messages.error(request, str(reason))
        else:
            forget(enrolment.study_id)
            messages.success(request, _("You have withdrawn from “%(study)s”.") % {"study": enrolment.study})
        return redirect("rating:reading_list")
    context = {"enrolment": enrolment, "study": enrolment.study, "form": form}
    context["consequence"] = withdrawal_words(enrolment)
    return render(request, "rating/leave.html", context, status=422 if form.errors else 200)


@for_raters
@require_safe
def consent_copy(request: HttpRequest, slug: str) -> HttpResponse:
    """Words, version and time of each consent of this rater; also once withdrawn, and once the study is over."""
    own = Enrolment.objects.filter(user=request.user.pk).select_related("study", "user")
    text = consent_text(get_object_or_404(own, study__slug=slug))
    if not text:
        raise Http404
    response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="consent-{slug}.txt"'
    return response
