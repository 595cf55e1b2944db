"""The ratings of a study as CSV (RFC 4180), one row per presentation, with the codebook that explains it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NotRequired, TypedDict

from pool.canonical.guarding import guarded
from rating.reading.marks import Mark, in_words, marks_of
from rating.reading.slices import slice_times
from rating.results.export.rating_rows import column_names, reads_view_state, row_pages
from rating.studies.images import StudyImage
from rating.studies.sampling.generators import competitors_by_code
from rating.studies.sampling.sets import truth_of_set
from rating.studies.second_questions import Kind, SecondAnswer, SecondQuestion, second_questions
from rating.studies.study import Study

CODEBOOK = {
    "study": "name of the study",
    "rater": "pseudonym of the rater within the study; R a person, M a machine",
    "session": "number of the sitting, 1 first",
    "position": "place of the image in this rater's order, 1 first",
    "kind": "main, repeat, practice or probe",
    "image": "code of the image within the study",
    "modality": "xray, ct, mri, microscopy or other",
    "dataset": "dataset the image came from; empty until the study is unblinded",
    "finding": "label of the image in its dataset; empty until the study is unblinded",
    "truth": "real or fake; empty until the study is unblinded",
    "label": "what the rater said: real, fake or unsure; in a session before raters were told the purpose (session 1 "
    "of a study in two phases) usual, unusual or unsure; empty if not rated",
    "confidence": "confidence 1 (guess) to 5 (certain); empty if not asked",
    "remark": "the rater's own words; a leading apostrophe guards text a spreadsheet would run",
    "reasons": "reasons ticked for fake, separated by a semicolon; empty if not asked",
    "revision": "how many times the rating was saved",
    "first_shown_at": "when the image was first shown, ISO 8601 UTC, server clock",
    "rated_at": "when the rating was first saved, ISO 8601 UTC, server clock",
    "active_ms": "milliseconds the rater was active on the image; empty if not measured",
    "idle_ms": "milliseconds the rater was idle on the image; empty if not measured",
}

OF_SETS = {
    "image": "code that the set goes by: that of the image which has the letter a",
    "dataset": "datasets of the images, by letter, separated by a semicolon; empty until the study is unblinded",
    "finding": "labels of the images in their datasets, by letter; empty until the study is unblinded",
    "truth": "letter of the image that was looked for (the study's protocol says which); empty until unblinded",
    "label": "letter of the image that the rater chose; empty if not rated",
    "members": "codes of the images of the set: a, b …, the same for every rater",
    "places": "letters in the order shown, left to right, then below",
    "place": "place of the image chosen, 1 first",
}

OF_ARENA = {
    "truth": "empty: in an arena no answer is right or wrong",
    "label": "letter of the image that looked more real, or tie where the rater called both alike; empty if not rated",
    "place": "place of the image chosen, 1 first; empty where both were called alike",
    "generator": "what made the images, by letter, separated by a semicolon: a model, an engine, a dataset or real images; "
    "empty until the study is unblinded",
}

OF_STACKS = {
    "slices": "slices of the image that the rater could scroll through, the same number for every image",
    "slices_reached": "how many of them were shown at all before the rating that stands was saved; empty if not measured",
    "slice_ms": "milliseconds the rater was active on each slice, the first one first, separated by a semicolon; 0: never shown",
}

OF_MARKS = {
    "marks": "places that the rater marked, each as left, top, width and height in shares of the image's sides (width and "
    "height 0: a point), of a stack with @ and the slice's number; separated by a semicolon; empty if none",
}
SECOND = "second_"  # before the code of a second question, in the name of its column
GUARDED = frozenset({"study", "dataset", "finding", "generator", "remark", "reasons"})


class RatingFacts(TypedDict):
    """A row of the table; None is what was not given or is not told. In a forced choice a row is a set."""

    study: str
    rater: str
    session: int
    position: int
    kind: str
    image: str
    modality: str
    dataset: str | list[str] | None
    finding: str | list[str] | None
    truth: str | None
    label: str | None
    confidence: int | None
    remark: str | None
    reasons: list[str] | None
    revision: int | None
    first_shown_at: str | None
    rated_at: str | None
    active_ms: int | None
    idle_ms: int | None
    second: dict[str, SecondAnswer] | None
    members: NotRequired[list[str]]
    places: NotRequired[str]
    place: NotRequired[int | None]
    generator: NotRequired[list[str] | None]
    marks: NotRequired[list[Mark] | None]
    slices: NotRequired[int]
    slices_reached: NotRequired[int | None]
    slice_ms: NotRequired[list[int] | None]


def csv_lines(study: Study, *, machines: bool = False) -> Iterator[str]:
    """The header and one line per presentation, ready to stream a page at a time; people's, or else the machines'."""
    columns = codebook_of(study)
    rows = _row_lines(study, columns, machines=machines)
    first = next(rows, "")  # changed ratings are refused here, before anything has left
    yield _line(columns)
    yield first
    yield from rows


def _row_lines(study: Study, columns: Mapping[str, str], *, machines: bool) -> Iterator[str]:
    if study.shows_sets or reads_view_state(study):
        for facts in rating_facts(study, machines=machines):
            marks = [in_words(mark) for mark in facts.get("marks") or ()]
            cells: Mapping[str, object] = {**facts, "marks": marks, **_second_cells(facts["second"])}
            yield _line(_cell(name, cells.get(name)) for name in columns)
        return
    name, codes = guarded(study.name), [each.code for each in second_questions(study.second_questions)]
    places = [column_names(study).index(column) for column in ("dataset", "finding", "remark", "reasons")]
    for page in row_pages(study, machines=machines):
        yield _lines(_guarded_row(name, cells, places, codes) for cells in page)


def _guarded_row(study: str, cells: tuple[Any, ...], places: list[int], codes: list[str]) -> list[Any]:
    """The cells as the table has them: texts guarded, reasons in one cell, nothing for None."""
    *row, second = (study, *cells)
    dataset, finding, remark, reasons = places
    for place in (dataset, finding, remark):
        if text := cells[place]:
            row[place + 1] = guarded(text)
    if words := cells[reasons]:
        row[reasons + 1] = guarded("; ".join(json.loads(words))) if words != "[]" else ""
    if codes:
        answers = json.loads(second) if second else {}
        row += [_cell(f"{SECOND}{code}", answers.get(code)) for code in codes]
    return row


def codebook_of(study: Study) -> dict[str, str]:
    """The columns and what they mean: of a forced choice a row is a set; stacks and second questions have columns of their own."""
    second = second_questions(study.second_questions)
    more = {f"{SECOND}{question.code}": _meaning(question) for question in second}
    design = OF_SETS if study.shows_sets else OF_STACKS if study.slices > 1 else {}
    if study.is_arena:
        design = OF_SETS | OF_ARENA
    return CODEBOOK | design | (OF_MARKS if study.lets_mark else {}) | more


def _meaning(question: SecondQuestion) -> str:
    sessions = f"; asked in session {', '.join(map(str, question.sessions))}" if question.sessions else ""
    several = "; several are parted by a semicolon" if question.kind == Kind.MULTIPLE else ""
    diagnosis = "; right where it is the image's finding" if question.is_diagnosis else ""
    return f"“{question.words}” {question.kind_words}{several}{diagnosis}{sessions}; empty if not answered"


def _second_cells(second: Mapping[str, SecondAnswer] | None) -> dict[str, object]:
    return {f"{SECOND}{code}": value for code, value in (second or {}).items()}


def codebook_lines(study: Study) -> Iterator[str]:
    yield _line(["column", "meaning"])
    yield from (_line(row) for row in codebook_of(study).items())


def rating_facts(study: Study, *, machines: bool = False) -> Iterator[RatingFacts]:
    """One row per presentation, by rater, session and position, without loss."""
    names = column_names(study)
    sets = sets_of(study) if study.shows_sets else {}
    for page in row_pages(study, machines=machines):
        for cells in page:
            facts: Any = {"study": study.name, **dict(zip(names, cells, strict=True))}
            for name in ("reasons", "second"):
                facts[name] = None if facts[name] is None else json.loads(facts[name])
            view_state = facts.pop("view_state", None)
            if study.slices > 1:
                facts |= {"slices": study.slices, **of_stack(view_state)}
            if study.lets_mark:
                facts["marks"] = marks_of(json.loads(view_state)) if view_state else None
            yield facts | sets[facts["image"]] if sets else facts


class StackFacts(TypedDict):
    """What was seen of a stack; None what was not measured."""

    slices_reached: int | None
    slice_ms: list[int] | None


def of_stack(view_state: str | None) -> StackFacts:
    """What a rating's view state, as text, says of the slices."""
    times = slice_times(json.loads(view_state)) if view_state else None
    reached = None if times is None else sum(time > 0 for time in times)
    return {"slices_reached": reached, "slice_ms": times}


def json_lines(study: Study) -> Iterator[str]:
    """The lossless twin of the CSV, ready to stream: one object, its ratings a row a line."""
    rows = (json.dumps(facts, ensure_ascii=False) for facts in rating_facts(study))
    first = next(rows, "")  # changed ratings are refused here, before anything has left
    yield f'{{"study": {json.dumps(study.name, ensure_ascii=False)}, "ratings": [\n'
    yield first
    for row in rows:
        yield ",\n" + row
    yield "\n]}\n"


class SetFacts(TypedDict):
    """What is known of a set; None what is not told while the study is blinded."""

    dataset: list[str] | None
    finding: list[str] | None
    truth: str | None
    members: list[str]
    generator: NotRequired[list[str] | None]  # of an arena


def sets_of(study: Study) -> dict[str, SetFacts]:
    """What is known of each set, by the code it goes by."""
    sets: dict[str, list[StudyImage]] = {}
    for image in study.images.select_related("image__dataset", "beside").order_by("code"):
        sets.setdefault(image.beside.code if image.beside else image.code, []).append(image)
    unblinded = study.is_unblinded
    has_truth = unblinded and not study.is_arena
    facts: dict[str, SetFacts] = {
        code: {
            "dataset": [image.image.dataset.name for image in members] if unblinded else None,
            "finding": [image.image.label for image in members] if unblinded else None,
            "truth": truth_of_set(study, [image.image.origin for image in members]) if has_truth else None,
            "members": [image.code for image in members],
        }
        for code, members in sets.items()
    }
    if study.is_arena:
        names = competitors_by_code(study) if unblinded else {}
        for code, row in facts.items():
            row["generator"] = names.get(code)
    return facts


def _cell(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.15g}"
    text = "; ".join(map(str, value)) if isinstance(value, list) else str(value)
    return guarded(text) if name in GUARDED or name.startswith(SECOND) else text


def _line(cells: Iterable[Any]) -> str:
    return _lines([cells])


def _lines(rows: Iterable[Iterable[Any]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    return buffer.getvalue()
