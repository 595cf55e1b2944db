"""The reporting checklists: every item the code knows, who answers it, and what waits for the authors."""

from __future__ import annotations

from collections.abc import Iterator

from bench.reference.markdown import table

INTRO = (
    "The lists that a study's report fills in, item by item, in shortened words: read the statements themselves. *The record*: the study's own data answer. *Authors: …*: the topic under "
    "**Statements** on the study's page that fills it, once, in every list that asks for it. Where both are named, the record begins and the authors end. GRRAS, QAREL, STARD and CLAIM stand in "
    "every report; STARD-AI and MI-CLEAR-LLM where a machine rated, REFINE where it is recorded what made the fakes."
)


def checklists() -> Iterator[str]:
    from rating.results.report.checklists import NOT_APPLYING
    from rating.results.report.checklists import checklists as lists
    from rating.studies.statements import TOPICS

    for name, checklist in lists().items():
        yield f"## {name}"
        yield ""
        yield f"{checklist.edition}; {checklist.source}; item numbers checked on {checklist.checked}."
        yield ""
        rows = ([item.id, item.section, item.asks, _who_answers(item)] for item in checklist.items)
        yield from table(["item", "section", "asks for", "answered by"], rows)
    yield "## The authors' topics"
    yield ""
    yield from table(
        ["topic", "asked for on the page"], ([f"`{topic}`", words] for topic, words in TOPICS.items())
    )
    yield "## Lists that do not apply"
    yield ""
    yield NOT_APPLYING


def _who_answers(item: object) -> str:
    from rating.results.report.checklists import Item

    assert isinstance(item, Item)
    if item.why_not:
        return f"does not apply: {item.why_not}"
    parts = ["the record"] if item.answer else []
    parts += [f"authors: {item.topic}"] if item.topic else []
    return ", then ".join(parts) or "a person, beside the report"
