"""What a rater gets at the end: nothing, thanks, their own answers, or after unblinding their own score and the truth.

It is made from what is stored and stores nothing, so it stays apart from the data; a look at the truth is logged.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils.translation import gettext

from audit import record
from audit.actors import rater
from pool.models import Origin
from rating.reading.rating import Label
from rating.reading.second_fields import in_words
from rating.studies.enrolment import SCORE_SEEN, Enrolment
from rating.studies.images import LETTERS
from rating.studies.sittings.presentation import Presentation
from rating.studies.study import Study


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """One answer; the truth and whether the answer met it only where the rater may know, else None."""

    presentation: Presentation
    session: int
    position: int
    word: str
    confidence: int | None
    remark: str
    second: list[tuple[str, str]]
    truth: str | None = None
    is_right: bool | None = None


@dataclass(frozen=True, slots=True)
class Debriefing:
    """`right` of `counted` answers met the truth, `unsure` apart; all None while the truth is not for this rater."""

    shows_answers: bool
    shows_truth: bool
    lines: list[AnswerLine] = field(default_factory=list)
    right: int = 0
    unsure: int = 0
    counted: int = 0


def may_see_truth(enrolment: Enrolment) -> bool:
    study = enrolment.study
    return (
        study.debriefing == Study.Debriefing.SCORE and study.is_unblinded and enrolment.withdrawn_at is None
    )


def debriefing_of(enrolment: Enrolment) -> Debriefing:
    study = enrolment.study
    shows_truth = may_see_truth(enrolment)
    has_read_all = not enrolment.sittings.standing().exclude(next_position=None).exists()
    is_finished = (has_read_all or study.is_over) and enrolment.withdrawn_at is None
    if not shows_truth and not (study.debriefing == Study.Debriefing.ANSWERS and is_finished):
        return Debriefing(shows_answers=False, shows_truth=False)
    lines = [_line(each, shows_truth) for each in _answered(enrolment)]
    counted = [line for line in lines if line.is_right is not None]
    unsure = [line for line in counted if line.presentation.rating.label == Label.UNSURE]
    return Debriefing(
        shows_answers=True,
        shows_truth=shows_truth,
        lines=lines,
        right=sum(bool(line.is_right) for line in counted),
        unsure=len(unsure),
        counted=len(counted),
    )


def log_look_at_score(enrolment: Enrolment) -> None:
    record(enrolment.study, rater(enrolment.pseudonym), SCORE_SEEN, rater=enrolment.pseudonym)


def _answered(enrolment: Enrolment) -> list[Presentation]:
    answered = Presentation.objects.filter(
        sitting__enrolment=enrolment, sitting__reset_at=None, rating__isnull=False
    ).exclude(kind=Presentation.Kind.PRACTICE)
    together = answered.select_related("rating", "study_image__image", "sitting__enrolment__study")
    return list(together.order_by("sitting__session", "position"))


def _line(presentation: Presentation, shows_truth: bool) -> AnswerLine:
    rating, sitting = presentation.rating, presentation.sitting
    words = {choice.value: choice.word for choice in sitting.question.choices}
    truth = _truth(presentation) if shows_truth and not sitting.is_blinded_to_purpose else None
    return AnswerLine(
        presentation=presentation,
        session=sitting.session,
        position=presentation.position - sitting.practice_count,
        word=str(words[rating.label]),
        confidence=rating.confidence,
        remark=rating.remark,
        second=_second(presentation),
        truth=str(words[truth]) if truth else None,
        is_right=None if truth is None else rating.label == truth,
    )


def _second(presentation: Presentation) -> list[tuple[str, str]]:
    """Each second question of the session that was answered, in words, with the answer."""
    rating = presentation.rating
    answers = {**rating.second_answers, **rating.second_texts}
    return [
        (gettext(question.words), "; ".join(gettext(text) for text in in_words(answers.get(question.code))))
        for question in presentation.sitting.second_questions
        if in_words(answers.get(question.code))
    ]


def _truth(presentation: Presentation) -> str:
    """The answer that is right: a label, or of a set the place of the image looked for."""
    if not presentation.places:
        return Label.REAL if presentation.study_image.image.origin == Origin.REAL else Label.FAKE
    wants_real = presentation.sitting.enrolment.study.sought == Study.Sought.REAL
    sought = Origin.REAL if wants_real else Origin.SYNTHETIC
    members = presentation.study_image.members
    (letter,) = (a for a, member in zip(LETTERS, members, strict=False) if member.image.origin == sought)
    return str(presentation.places.index(letter) + 1)
