"""A report as parts that HTML and PDF both print: the same numbers give the same bytes, but for the date."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from rating.results.exhibit import Exhibit, Table
from rating.results.gallery import Gallery
from rating.results.questions import QUESTIONS
from rating.results.report.checklists import checklist_table
from rating.results.report.methods_text import methods_text
from rating.results.sections import primary
from rating.results.sections.headline import Headline, headline_of
from rating.results.sections.primary import sentence
from rating.results.study_facts import StudyFacts, flow_tables
from rating.results.study_results import StudyResults


@dataclass(frozen=True, slots=True)
class Piece:
    """A titled table, with its drawing where it has one."""

    title: str
    table: Table
    exhibit: Exhibit | None = None

    @property
    def words(self) -> str:
        """What the exhibit shows, in a sentence or two."""
        return self.exhibit.words if self.exhibit else ""


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    words: list[str] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    galleries: Sequence[Gallery] = ()


@dataclass(frozen=True, slots=True)
class Report:
    title: str
    date: str
    sections: list[Section]
    headline: Headline | None = None


ExhibitDrawer = Callable[[Exhibit, str], bytes]


def report_of(
    facts: StudyFacts,
    results: StudyResults,
    date: str,
    *,
    galleries: Sequence[Gallery] = (),
    remarks: Sequence[tuple[str, Table]] = (),
    trail: Sequence[str] = (),
) -> Report:
    """Everything that may be known of the study in its present state; galleries and remarks come with their words."""
    audit = facts.audit or ["No blinding audit has been run."]
    sections = [
        Section("Primary result", [sentence(results)], pieces=_pieces([primary.EXHIBIT], results)),
        Section("Methods", methods_text(facts, results)),
        Section("Flow", pieces=[Piece(title, table) for title, table in flow_tables(facts)]),
        Section("Blinding", audit),
    ]
    left_out: list[tuple[str, str]] = []
    for question in QUESTIONS:
        exhibits = [e for e in question.exhibits_of(results) if facts.is_unblinded or not e.needs_truth]
        reasons = {e.title: why for e in exhibits if (why := e.why_missing(results))}
        left_out += reasons.items()
        if pieces := _pieces(exhibits, results):
            sections.append(Section(question.title, pieces=pieces))
    if results.agreement.ratings:
        sections.append(Section("Which images?", galleries=galleries))
    if remarks:
        sections.append(
            Section("What did they write?", pieces=[Piece(title, table) for title, table in remarks])
        )
    if trail:
        sections.append(Section("Trail", list(trail)))
    sections.append(Section("Reporting checklists", pieces=[Piece("Items", checklist_table(facts, results))]))
    if left_out:
        not_shown = Table(("Exhibit", "Why"), left_out)
        sections.append(Section("Not shown", pieces=[Piece("What this study has no numbers for", not_shown)]))
    sources = Table(
        ("Number", "Method"), [[name.replace("_", " "), words] for name, words in results.methods.items()]
    )
    sections.append(Section("Sources of the methods", pieces=[Piece("Formulae", sources)]))
    return Report(facts.name, date, sections, headline_of(results))


def _pieces(exhibits: Iterable[Exhibit], results: StudyResults) -> list[Piece]:
    return [Piece(e.title, e.table(results).to_read(), e) for e in exhibits if not e.why_missing(results)]
