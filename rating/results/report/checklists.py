"""Reporting checklists: every item of each list that applies, answered where the data can, marked where a person must."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rating.results.exhibit import Cell, Table
from rating.results.report import checklist_accuracy, checklist_agreement, checklist_machines  # noqa: F401  they register their answers
from rating.results.report.checklist_core import ANSWERS, Context
from rating.results.study_facts import StudyFacts
from rating.results.study_results import StudyResults

PERSON = "A person must write this."
DATA = Path(__file__).with_name("checklist_data")
ALWAYS = ("GRRAS", "QAREL", "STARD", "CLAIM")
OF_MACHINES = ("STARD-AI", "MI-CLEAR-LLM")
OF_MODELS = ("REFINE",)
NOT_APPLYING = (
    "TRIPOD+AI (prediction models), CONSORT-AI (randomised trials), METRICS and CLEAR (radiomics) do not apply to a visual "
    "Turing test; STARD-AI and MI-CLEAR-LLM only where a machine rated, REFINE only where it is recorded what made the fakes."
)


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a list: what it asks, and which answer speaks to it, or why it does not apply."""

    id: str
    section: str
    asks: str
    answer: str | None = None
    why_not: str | None = None


@dataclass(frozen=True, slots=True)
class Checklist:
    standard: str
    edition: str
    source: str
    checked: str
    items: tuple[Item, ...]


@cache
def checklists() -> dict[str, Checklist]:
    """Every list by the name of its standard."""
    lists = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(DATA.glob("*.json"))]
    return {
        facts["standard"]: Checklist(**facts | {"items": tuple(Item(**item) for item in facts["items"])})
        for facts in lists
    }


def checklist_table(facts: StudyFacts, results: StudyResults) -> Table:
    """One row per item of the lists that apply: the list, the item's number, what it asks, and what can be answered."""
    context = Context(facts, results)
    applying = [checklists()[name] for name in _applying(facts, results)]
    rows: list[list[Cell]] = [
        [checklist.standard, item.id, item.asks, answer_to(item, context)]
        for checklist in applying
        for item in checklist.items
    ]
    editions = [
        f"{checklist.standard}: {checklist.edition}; {checklist.source}; numbers checked on {checklist.checked}."
        for checklist in applying
    ]
    return Table(("Checklist", "Item", "Asks for", "Answer"), rows, [*editions, NOT_APPLYING])


def answer_to(item: Item, context: Context) -> str:
    """What the study's own record says to an item; an empty answer leaves it to a person."""
    if item.why_not:
        return f"Does not apply: {item.why_not}"
    answer = ANSWERS[item.answer](context) if item.answer else ""
    return answer or PERSON


def _applying(facts: StudyFacts, results: StudyResults) -> tuple[str, ...]:
    machines = OF_MACHINES if results.machines else ()
    return (*ALWAYS, *machines, *(OF_MODELS if facts.generators else ()))
