"""The questions a study answers, one page each, in the order in which they are asked."""

from __future__ import annotations

from dataclasses import dataclass

from rating.report import (
    about_choices,
    about_course,
    about_first_phase,
    about_generators,
    about_labels,
    about_machines,
    about_truth,
)
from rating.report.exhibit import Exhibit, Numbers


@dataclass(frozen=True, slots=True)
class Question:
    """A question with the exhibits that answer it."""

    name: str
    title: str
    exhibits: tuple[Exhibit, ...]

    def asked_of(self, numbers: Numbers) -> list[Exhibit]:
        """The exhibits that this study can have; none where it asks something else."""
        return [exhibit for exhibit in self.exhibits if exhibit.fits(numbers)]

    @property
    def needs_truth(self) -> bool:
        return all(exhibit.needs_truth for exhibit in self.exhibits)


QUESTIONS = (
    Question("noticed", "Did they notice?", about_first_phase.EXHIBITS),
    Question("found", "Did they find it?", about_choices.EXHIBITS),
    Question("fooled", "How often were raters fooled?", about_truth.FOOLED),
    Question("generators", "By which generator?", about_generators.GENERATORS),
    Question("labels", "What did they call them?", about_labels.EXHIBITS[:1]),
    Question("agreement", "How well do raters agree?", about_labels.EXHIBITS[1:]),
    Question("telling-apart", "Can they tell fake from real?", about_truth.TELLING),
    Question("confidence", "How sure were they?", about_course.CONFIDENCE),
    Question("time", "How long did they take?", about_course.TIME),
    Question("position", "Did they learn or tire?", about_course.COURSE),
    Question("experience", "Does experience matter?", about_course.RATERS),
    Question("machines", "What do machines say?", about_machines.EXHIBITS),
)
EXHIBITS = {exhibit.name: exhibit for question in QUESTIONS for exhibit in question.exhibits}


def question_named(name: str) -> Question | None:
    return next((question for question in QUESTIONS if question.name == name), None)
