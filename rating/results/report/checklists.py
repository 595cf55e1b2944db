"""Reporting checklists: every item of each list that applies, answered where the data can, marked where a person must."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rating.results.exhibit import Cell, Table
from rating.results.report import checklist_accuracy, checklist_agreement, checklist_machines  # noqa: F401  they register their answers
from rating.results.report.checklist_core import ANSWERS, BY_PERSON, PERSON, Context
from rating.results.study_facts import StudyFacts
from rating.results.study_results import StudyResults

TO_BE_WRITTEN = re.compile(f"{re.escape(BY_PERSON)}|{re.escape(PERSON)}", re.IGNORECASE)
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
    """One item of a list: what it asks, which answer and which topic of the authors speak to it, or why it does not apply."""

    id: str
    section: str
    asks: str
    answer: str | None = None
    topic: str | None = None
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
    waiting = [_open_items(checklist, context) for checklist in applying]
    return Table(("Checklist", "Item", "Asks for", "Answer"), rows, [*waiting, *editions, NOT_APPLYING])


def answer_to(item: Item, context: Context) -> str:
    """What the study's record says to an item, then what its authors wrote; else that a person must write it."""
    if item.why_not:
        return f"Does not apply: {item.why_not}"
    answer = ANSWERS[item.answer](context) if item.answer else ""
    statement = context.facts.statements.get(item.topic or "", "")
    if not statement:
        return answer or PERSON
    if TO_BE_WRITTEN.search(answer):
        return TO_BE_WRITTEN.sub(lambda _: statement, answer)
    return f"{answer} {statement}".strip()


def is_open(answer: str) -> bool:
    """Whether a person still has to write something."""
    return bool(TO_BE_WRITTEN.search(answer))


def topics_asked_for(names: Iterable[str]) -> dict[str, list[str]]:
    """For each topic of the authors' statements the items that ask for it, in words: `CLAIM 44`."""
    items: dict[str, list[str]] = {}
    for name in names:
        for item in checklists()[name].items:
            if item.topic:
                items.setdefault(item.topic, []).append(f"{name} {item.id}")
    return items


def _open_items(checklist: Checklist, context: Context) -> str:
    """`CLAIM: 12 of 44 items wait for a person.`"""
    still_open = sum(is_open(answer_to(item, context)) for item in checklist.items)
    return f"{checklist.standard}: {still_open} of {len(checklist.items)} items wait for a person."


def _applying(facts: StudyFacts, results: StudyResults) -> tuple[str, ...]:
    machines = OF_MACHINES if results.machines else ()
    return (*ALWAYS, *machines, *(OF_MODELS if facts.generators else ()))
