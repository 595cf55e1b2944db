"""The answers to a study's second questions, in one read of the database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rating.reading.rating import Rating
from rating.reading.revision_chain import refuse_where_ratings_differ
from rating.statistics.second_answers import SecondAnswers, Value
from rating.studies.enrolment import pseudonym
from rating.studies.second_questions import Kind, SecondQuestion, second_questions
from rating.studies.sittings.presentation import Presentation
from rating.studies.sittings.sitting import Sitting
from rating.studies.study import Study

Rows = list[tuple[int, int, str, dict[str, object], dict[str, str]]]


def second_answers_of(study: Study) -> list[SecondAnswers]:
    """Of each question and session that asks it, what people answered at first sight of each image."""
    questions = second_questions(study.second_questions)
    if not questions:
        return []
    refuse_where_ratings_differ(study)
    rows: Rows = list(
        Rating.objects.filter(
            presentation__sitting__in=Sitting.objects.counted().filter(enrolment__study=study),
            presentation__kind=Presentation.Kind.MAIN,
        ).values_list(
            "presentation__sitting__session",
            "presentation__sitting__enrolment__number",
            "presentation__study_image__code",
            "second_answers",
            "second_texts",
        )
    )
    return [
        _answers(question, session, rows)
        for question in questions
        for session in range(1, study.sessions + 1)
        if question.is_asked_in(session)
    ]


def _answers(question: SecondQuestion, session: int, rows: Rows) -> SecondAnswers:
    options = [str(step) for step in question.scale] if question.kind == Kind.SCALE else question.choices
    values = {
        (pseudonym(number), code): _value(question, {**answers, **texts})
        for of_session, number, code, answers, texts in rows
        if of_session == session
    }
    return SecondAnswers(
        question.code,
        question.words,
        question.kind,
        session,
        tuple(options),
        question.is_diagnosis,
        {cell: value for cell, value in values.items() if value is not None},
    )


def _value(question: SecondQuestion, answers: Mapping[str, object]) -> Value | None:
    """None where it was not answered; of any of several answers none ticked is an answer too."""
    value: Any = answers.get(question.code)
    return tuple(value or ()) if question.kind == Kind.MULTIPLE else value
