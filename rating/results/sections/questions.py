"""The questions a study answers, one page each, in the order in which they are asked."""

from __future__ import annotations

from dataclasses import dataclass

from rating.results.exhibit import Exhibit, Numbers
from rating.results.sections import (
    first_phase,
    forced_choice,
    generators,
    labels,
    machines,
    order_effects,
    truth,
)


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
    Question("noticed", "Did they notice?", first_phase.EXHIBITS),
    Question("found", "Did they find it?", forced_choice.EXHIBITS),
    Question("fooled", "How often were raters fooled?", truth.FOOLED),
    Question("generators", "By which generator?", generators.GENERATORS),
    Question("labels", "What did they call them?", labels.EXHIBITS[:1]),
    Question("agreement", "How well do raters agree?", labels.EXHIBITS[1:]),
    Question("telling-apart", "Can they tell fake from real?", truth.TELLING),
    Question("confidence", "How sure were they?", order_effects.CONFIDENCE),
    Question("time", "How long did they take?", order_effects.TIME),
    Question("position", "Did they learn or tire?", order_effects.COURSE),
    Question("experience", "Does experience matter?", order_effects.RATERS),
    Question("machines", "What do machines say?", machines.EXHIBITS),
)
EXHIBITS = {exhibit.name: exhibit for question in QUESTIONS for exhibit in question.exhibits}


def question_named(name: str) -> Question | None:
    return next((question for question in QUESTIONS if question.name == name), None)
