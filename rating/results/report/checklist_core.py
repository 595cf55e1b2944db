"""What a study's record answers to the items of reporting checklists, one function per question.

Every sentence is made from a stored fact or a number; an empty one leaves the item to a person.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rating.results.study_facts import StudyFacts
from rating.results.study_results import StudyResults
from rating.statistics.estimate import Estimate
from rating.statistics.mrmc.moments import RandomMean

PERSON = "A person must write this."
BY_PERSON = "The rest a person must write."
GOING_BACK = {
    "none": "raters could not go back",
    "last": "raters could change their last answer",
    "any": "raters could change any answer of the sitting",
}
BURNED_IN = {
    "keep": "letters burned into images were kept",
    "mask": "the corners of all images were masked",
    "leave out": "images with burned-in letters were left out",
}
FOUND = "See “Did they find it?”."
RANKED = "See “Which looks more real?”."
NO_RIGHT_ANSWER = "generators were compared, and no answer is right or wrong."


@dataclass(frozen=True, slots=True)
class Context:
    facts: StudyFacts
    results: StudyResults


Answer = Callable[[Context], str]
ANSWERS: dict[str, Answer] = {}


def tables_of_sets(of: Context) -> str:
    """Where the numbers of a study of sets stand."""
    return RANKED if of.results.arena else FOUND


def answers(name: str) -> Callable[[Answer], Answer]:
    """Register the function that answers items of this name."""

    def register(answer: Answer) -> Answer:
        ANSWERS[name] = answer
        return answer

    return register


def in_words(name: str, value: Estimate) -> str:
    """`AUC 0.665 (95 % interval 0.600 to 0.730).`, with the reason where estimate or interval is missing."""
    reason = f" {value.reason}" if value.reason else ""
    if value.estimate is None:
        return f"{name}: none.{reason}"
    if value.ci is None:
        return f"{name} {value.estimate:.3f} (no interval).{reason}"
    return f"{name} {value.estimate:.3f} (95 % interval {value.ci[0]:.3f} to {value.ci[1]:.3f})."


def average_in_words(name: str, average: RandomMean) -> str:
    """The number as the exhibits have it, with the method that made it."""
    return (
        f"{in_words(name, average.primary)[:-1]}, {average.primary_method}."
        if average.primary.ci
        else in_words(name, average.primary)
    )


def displays(of: Context) -> str:
    """On which screens it was read, as the display checks say it."""
    return " ".join(of.facts.displays) or "The displays were not checked."


def has_record(of: Context) -> bool:
    """Whether anything is recorded of what made the fakes besides names and numbers of images."""
    table = of.facts.generators
    return table is not None and any(cell is not None for row in table.rows for cell in row[2:])


def audit_line(of: Context, *names: str) -> str:
    """The audit's sentence of the first check with such a name."""
    return next((line for line in of.facts.audit if any(line.startswith(name) for name in names)), "")
