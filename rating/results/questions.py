"""The questions a study answers, one page each, in the order in which they are asked."""

from __future__ import annotations

from dataclasses import dataclass

from rating.results.exhibit import Exhibit
from rating.results.sections import (
    accuracy,
    agreement,
    arena,
    confidence,
    experience,
    first_phase,
    fool_rate,
    forced_choice,
    generators,
    labels,
    machines,
    marks,
    order_effects,
    primary,
    second,
    times,
    usability,
)
from rating.results.study_results import StudyResults


@dataclass(frozen=True, slots=True)
class Question:
    """A question with the exhibits that answer it."""

    name: str
    title: str
    exhibits: tuple[Exhibit, ...]

    def exhibits_of(self, results: StudyResults) -> list[Exhibit]:
        """The exhibits that this study can have; none where it asks something else."""
        return [exhibit for exhibit in self.exhibits if exhibit.fits(results)]

    @property
    def needs_truth(self) -> bool:
        return all(exhibit.needs_truth for exhibit in self.exhibits)


QUESTIONS = (
    Question("noticed", "Did they notice?", first_phase.EXHIBITS),
    Question("found", "Did they find it?", forced_choice.EXHIBITS),
    Question("arena", "Which looks more real?", arena.EXHIBITS),
    Question("fooled", "How often were raters fooled?", fool_rate.EXHIBITS),
    Question("generators", "By which generator?", generators.EXHIBITS),
    Question("labels", "What did they call them?", labels.EXHIBITS),
    Question("second", "What else did they see?", second.EXHIBITS),
    Question("marked", "Where did they mark it?", marks.EXHIBITS),
    Question("agreement", "How well do raters agree?", agreement.EXHIBITS),
    Question("telling-apart", "Can they tell fake from real?", accuracy.EXHIBITS),
    Question("confidence", "How sure were they?", confidence.EXHIBITS),
    Question("time", "How long did they take?", times.EXHIBITS),
    Question("position", "Did they learn or tire?", order_effects.EXHIBITS),
    Question("usability", "How usable was the site?", usability.EXHIBITS),
    Question("experience", "Does experience matter?", experience.EXHIBITS),
    Question("machines", "What do machines say?", machines.EXHIBITS),
)
# What the questions ask together, in the order of the pages; the names of the questions in each.
GROUPS = (
    ("Were they fooled?", ("noticed", "found", "arena", "fooled", "generators")),
    ("Can they tell?", ("telling-apart", "confidence", "experience")),
    ("Do they agree?", ("agreement", "labels", "second", "marked", "machines")),
    ("Can the reading be trusted?", ("time", "position", "usability")),
)
EXHIBITS = {
    primary.EXHIBIT.name: primary.EXHIBIT,
    **{exhibit.name: exhibit for question in QUESTIONS for exhibit in question.exhibits},
}


def question_named(name: str) -> Question | None:
    return next((question for question in QUESTIONS if question.name == name), None)
