"""The ratings of a study as CSV (RFC 4180), one row per presentation, with the codebook that explains it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import NotRequired, TypedDict

from rating.reading.revision_chain import refuse_where_ratings_differ
from rating.reading.slices import slice_times
from rating.results.guarding import guarded
from rating.studies.images import StudyImage
from rating.studies.second_questions import Kind, SecondAnswer, SecondQuestion, second_questions
from rating.studies.sets import truth_of_set, truth_word
from rating.studies.sittings.presentation import Presentation
from rating.studies.sittings.sitting import Sitting
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

OF_STACKS = {
    "slices": "slices of the image that the rater could scroll through, the same number for every image",
    "slices_reached": "how many of them were shown at all before the rating that stands was saved; empty if not measured",
    "slice_ms": "milliseconds the rater was active on each slice, the first one first, separated by a semicolon; 0: never shown",
}

SECOND = "second_"  # before the code of a second question, in the name of its column
GUARDED = frozenset({"study", "dataset", "finding", "remark", "reasons"})


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
    slices: NotRequired[int]
    slices_reached: NotRequired[int | None]
    slice_ms: NotRequired[list[int] | None]


def csv_lines(study: Study, *, machines: bool = False) -> Iterator[str]:
    """The header and one line per presentation, ready to stream; people's, or else the machines'."""
    columns = codebook_of(study)
    yield _line(columns)
    for facts in rating_facts(study, machines=machines):
        cells: Mapping[str, object] = {**facts, **_second_cells(facts["second"])}
        yield _line(_cell(name, cells.get(name)) for name in columns)


def codebook_of(study: Study) -> dict[str, str]:
    """The columns and what they mean: of a forced choice a row is a set; stacks and second questions have columns of their own."""
    second = second_questions(study.second_questions)
    more = {f"{SECOND}{question.code}": _meaning(question) for question in second}
    design = OF_SETS if study.shows_sets else OF_STACKS if study.slices > 1 else {}
    return CODEBOOK | design | more


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
    """One row per presentation, by rater, session and position.

    Only of sittings that count: a session started over, a withdrawn or an unblinded rater is not among them.
    Machines, of pseudonyms with an M, are among themselves.
    """
    refuse_where_ratings_differ(study)
    sittings = Sitting.objects.of_machines() if machines else Sitting.objects.counted()
    presentations = (
        Presentation.objects.filter(sitting__in=sittings.filter(enrolment__study=study))
        .select_related("sitting__enrolment", "study_image__image__dataset", "rating")
        .order_by("sitting__enrolment__number", "sitting__session", "position")
    )
    sets = _sets(study) if study.shows_sets else {}
    for presentation in presentations.iterator(chunk_size=2000):
        facts = _facts(study, presentation)
        if study.slices > 1:
            facts = _of_stack(study, presentation, facts)
        yield _of_set(study, facts, presentation.places, sets[facts["image"]]) if sets else facts


def _sets(study: Study) -> dict[str, list[StudyImage]]:
    """The images of each set by the code it goes by."""
    sets: dict[str, list[StudyImage]] = {}
    for image in study.images.select_related("image__dataset", "beside").order_by("code"):
        sets.setdefault(image.beside.code if image.beside else image.code, []).append(image)
    return sets


def _of_set(study: Study, facts: RatingFacts, places: str, members: list[StudyImage]) -> RatingFacts:
    """The row of a set: raters give a place, and a letter says which image stood there."""
    unblinded, place = study.is_unblinded, facts["label"]
    return {
        **facts,
        "dataset": [image.image.dataset.name for image in members] if unblinded else None,
        "finding": [image.image.label for image in members] if unblinded else None,
        "truth": truth_of_set(study, [image.image.origin for image in members]) if unblinded else None,
        "label": places[int(place) - 1] if place else None,
        "members": [image.code for image in members],
        "places": places,
        "place": int(place) if place else None,
    }


def _of_stack(study: Study, presentation: Presentation, facts: RatingFacts) -> RatingFacts:
    """The row with what was seen of the stack."""
    rating = getattr(presentation, "rating", None)
    times = slice_times(rating.view_state) if rating else None
    return {
        **facts,
        "slices": study.slices,
        "slices_reached": None if times is None else sum(time > 0 for time in times),
        "slice_ms": times,
    }


def _facts(study: Study, presentation: Presentation) -> RatingFacts:
    sitting, image = presentation.sitting, presentation.study_image.image
    rating = getattr(presentation, "rating", None)
    unblinded = study.is_unblinded
    return {
        "study": study.name,
        "rater": sitting.enrolment.pseudonym,
        "session": sitting.session,
        "position": presentation.position,
        "kind": str(presentation.kind),
        "image": presentation.study_image.code,
        "modality": image.modality,
        "dataset": image.dataset.name if unblinded else None,
        "finding": image.label if unblinded else None,
        "truth": truth_word(image.origin) if unblinded else None,
        "label": rating.label if rating else None,
        "confidence": rating.confidence if rating else None,
        "remark": rating.remark if rating else None,
        "reasons": rating.reasons if rating else None,
        "revision": rating.revision if rating else None,
        "first_shown_at": _time(presentation.first_shown_at),
        "rated_at": _time(rating.rated_at) if rating else None,
        "active_ms": rating.active_ms if rating else None,
        "idle_ms": rating.idle_ms if rating else None,
        "second": {**rating.second_answers, **rating.second_texts} if rating else None,
    }


def _cell(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.15g}"
    text = "; ".join(map(str, value)) if isinstance(value, list) else str(value)
    return guarded(text) if name in GUARDED or name.startswith(SECOND) else text


def _time(moment: datetime | None) -> str | None:
    return (
        moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None
    )


def _line(cells: Iterable[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()
