"""The page of the reading room, for whoever's sitting."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from rating.models import Presentation
from rating.reading.answer_form import CONFIDENCE, AnswerForm
from rating.reading.payload import TOKEN, Room


def reading_page(
    request: HttpRequest,
    presentation: Presentation,
    form: AnswerForm,
    room: Room,
    *,
    refusal: str = "",
    status: int = 200,
    way_back: str = "",
) -> HttpResponse:
    """With a way back it is marked as a preview."""
    sitting = presentation.sitting
    study = sitting.enrolment.study
    instructions, prevalence_note = study.told_before(sitting.session)
    practice = sitting.practice_count
    context = {
        "study": study,
        "presentation": presentation,
        "question": sitting.question,
        "images": [url.replace(TOKEN, presentation.token) for url in room["urls"]["images"]],
        "action": room["urls"]["rate"].replace(TOKEN, presentation.token),
        "form": form,
        "refusal": refusal,
        "confidence": CONFIDENCE,
        "instructions": instructions,
        "prevalence_note": prevalence_note,
        "place": presentation.position - (0 if presentation.is_practice else practice),
        "places": practice if presentation.is_practice else sitting.presentation_count - practice,
        "room": room,
        "way_back": way_back,
    }
    return render(request, "rating/read.html", context, status=status)


def sentences_of(form: AnswerForm) -> str:
    return " ".join(str(error) for errors in form.errors.values() for error in errors)
