"""Preview as a rater: the reading room's own page and answers, of a study in preparation. Writes nothing."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_GET, require_POST

from pool.storage.stored_files import LostFileError
from rating.models import Presentation, Study
from rating.reading.answer_form import AnswerForm
from rating.reading.preview import NO_ACCOUNT, Preview
from rating.views.images import NOT_STORED
from rating.views.raters import for_everybody, own_language, wants_json
from rating.views.reading_page import reading_page, sentences_of

EDITORS = permission_required("rating.change_study", raise_exception=True)


@for_everybody
@EDITORS
@require_GET
def page(request: HttpRequest, slug: str) -> HttpResponse:
    preview = _preview(request, slug)
    if wants_json(request):
        return JsonResponse({"account": NO_ACCOUNT, "ahead": preview.ahead()})
    presentation = preview.presentation(_whole_number(request.GET.get("after", "")) + 1)
    if presentation is None:
        if not preview.sets:
            messages.warning(request, "There is no image to preview yet whose dataset you may see.")
        return redirect(preview.study)
    form = AnswerForm(initial={"client_key": uuid.uuid4()}, sitting=presentation.sitting)
    return _show(request, preview, presentation, form)


@for_everybody
@EDITORS
@require_POST
def rate(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """What a rater would be answered; the answer itself is dropped."""
    preview = _preview(request, slug)
    presentation = _presentation(preview, token)
    form = AnswerForm(request.POST, sitting=presentation.sitting)
    if not form.is_valid():
        with own_language(request):
            if wants_json(request):
                return JsonResponse({"error": sentences_of(form)}, status=422)
            return _show(request, preview, presentation, form, refusal=sentences_of(form), status=422)
    if wants_json(request):
        return JsonResponse({"saved": str(form.cleaned_data["client_key"]), "ahead": []})
    return redirect(f"{preview.addresses()['ahead']}&after={presentation.position}")


@for_everybody
@EDITORS
@require_POST
def draft(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """What a rater would be answered; the draft itself is dropped."""
    presentation = _presentation(_preview(request, slug), token)
    return JsonResponse({"kept": presentation.token})


@for_everybody
@EDITORS
@require_GET
def image(request: HttpRequest, slug: str, token: str, place: int) -> HttpResponse:
    try:
        png = _preview(request, slug).png(_whole_number(token), place)
    except LostFileError:
        return HttpResponse(status=410, headers=NOT_STORED)
    if png is None:
        raise Http404
    return HttpResponse(png, content_type="image/png", headers=NOT_STORED)


def _show(
    request: HttpRequest,
    preview: Preview,
    presentation: Presentation,
    form: AnswerForm,
    *,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    return reading_page(
        request,
        presentation,
        form,
        preview.room(presentation),
        refusal=refusal,
        status=status,
        way_back=preview.study.get_absolute_url(),
    )


def _preview(request: HttpRequest, slug: str) -> Preview:
    """Of a study before its reading. No editor is ever its rater: whoever may see the pool cannot be enrolled."""
    in_preparation = Study.objects.editable_by(request.user).filter(
        state__in=[Study.State.DRAFT, Study.State.FROZEN]
    )
    study = get_object_or_404(in_preparation, slug=slug)
    return Preview.of(study, request.user, _whole_number(request.GET.get("session", "")))


def _presentation(preview: Preview, token: str) -> Presentation:
    presentation = preview.presentation(_whole_number(token))
    if presentation is None:
        raise Http404
    return presentation


def _whole_number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0
