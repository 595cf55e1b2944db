"""The one module of the analysis that asks the database: a study's ratings as columns, in one read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from rating.reading.rating import Rating
from rating.reading.revision_chain import refuse_where_ratings_differ
from rating.statistics.arrays import Floats, Ints
from rating.statistics.columns import MAIN, MEASURES, REPEAT, StudyColumns
from rating.studies.enrolment import pseudonym
from rating.studies.images import LETTERS, StudyImage
from rating.studies.questions import TIE
from rating.studies.sampling.generators import generator_of
from rating.studies.sampling.sets import origins_of_sets, truth_of_set, truth_word
from rating.studies.sampling.strata import Role
from rating.studies.sittings.presentation import Presentation
from rating.studies.sittings.sitting import Sitting
from rating.studies.study import Study

# Of a set, where raters give a place: the letter of the image that stood there, which is the same for all of them.
LABEL = "CASE WHEN r.label IN ('1', '2', '3', '4') THEN substr(p.places, r.label::int, 1) ELSE r.label END"
FIELDS = {
    "sitting": "p.sitting_id::int8",
    "image": "p.study_image_id::int8",
    "kind": f"(CASE p.kind WHEN 'main' THEN {MAIN} ELSE {REPEAT} END)::int8",
    "position": "p.position::int8",
    "label": f"(array_position(%s::varchar[], {LABEL}::varchar) - 1)::int8",
    "letter_order": f"coalesce(nullif(translate(p.places, '{LETTERS}', '1234'), ''), '0')::int8",
    "confidence": "coalesce(r.confidence, 0)::int8",
    "active_ms": "coalesce(r.active_ms, -1)::int8",
    "has_text": "(r.remark <> '')::int::int8",
}
# One row a sitting, an array a field: a row a rating would be a million Python tuples in a large study.
QUERY = (
    f"SELECT {', '.join(f'array_agg({words})' for words in FIELDS.values())} "  # noqa: S608  (constants of this module only)
    "FROM rating_presentation p JOIN rating_rating r ON r.presentation_id = p.id "
    "WHERE p.sitting_id = ANY(%s) AND p.kind IN ('main', 'repeat') GROUP BY p.sitting_id"
)
UNMEASURED = (math.nan,) * len(MEASURES)


def read_columns(study: Study, *, machines: bool = False, first_phase: bool = False) -> StudyColumns:
    """Every rating that counts, or the machines': sittings started over, withdrawn or unblinded are left out.

    What depends on the truth is read only of an unblinded study. Of one in two phases these are the informed
    sessions, or else those of the first phase alone: the two are never mixed, as they answer different questions.
    """
    refuse_where_ratings_differ(study)
    sittings = _sittings(study, machines=machines, first_phase=first_phase)
    of_sitting = list(sittings.values_list("pk", "session", "enrolment__number"))
    numbers = sorted({number for _, _, number in of_sitting})
    facts, image_keys = _facts(study, numbers, machines=machines, first_phase=first_phase)
    rows = _ratings([pk for pk, _, _ in of_sitting], facts.labels)
    place_of_rater = {number: place for place, number in enumerate(numbers)}
    keys = np.array([pk for pk, _, _ in of_sitting] or [0], dtype=np.int64)
    of_study = np.isin(rows["image"], image_keys)  # a repeat may be of a probe
    rows = {name: values[of_study] for name, values in rows.items()}
    order = np.argsort(keys)
    at = order[np.searchsorted(keys, rows["sitting"], sorter=order)] if of_sitting else rows["sitting"]
    image_order = np.argsort(image_keys)
    return replace(
        facts,
        rater=np.array([place_of_rater[number] for _, _, number in of_sitting], dtype=np.int64)[at],
        session=np.array([session for _, session, _ in of_sitting], dtype=np.int64)[at],
        image=image_order[np.searchsorted(image_keys, rows["image"], sorter=image_order)],
        kind=rows["kind"],
        position=rows["position"],
        label=rows["label"].astype(np.int8),
        letter_order=rows["letter_order"],
        confidence=rows["confidence"],
        active_ms=rows["active_ms"],
        has_text=rows["has_text"] > 0,
    )


def read_facts(study: Study, *, first_phase: bool = False) -> StudyColumns:
    """The raters and images that `read_columns` has, without a rating: what takes no more memory for more of them."""
    sittings = _sittings(study, machines=False, first_phase=first_phase)
    numbers = sorted(set(sittings.values_list("enrolment__number", flat=True)))
    facts, _image_keys = _facts(study, numbers, machines=False, first_phase=first_phase)
    return facts


def rated_sessions(study: Study, *, first_phase: bool = False) -> list[int]:
    """The sessions, of the first phase or else informed, with a rating of a main showing or a repeat."""
    ratings = Rating.objects.filter(
        presentation__sitting=OuterRef("pk"),
        presentation__kind__in=[Presentation.Kind.MAIN, Presentation.Kind.REPEAT],
    )
    sittings = _sittings(study, machines=False, first_phase=first_phase)
    return sorted(set(sittings.filter(Exists(ratings)).values_list("session", flat=True)))


def _sittings(study: Study, *, machines: bool, first_phase: bool) -> QuerySet[Sitting]:
    of_whom = Sitting.objects.of_machines() if machines else Sitting.objects.counted()
    informed = study.first_informed_session
    phase = {"session__lt": informed} if first_phase else {"session__gte": informed}
    return of_whom.filter(enrolment__study=study, **phase)


def _facts(
    study: Study, numbers: list[int], *, machines: bool, first_phase: bool
) -> tuple[StudyColumns, Ints]:
    """The columns of these raters and of the images, no rating among them, and the key of each image."""
    raters, images = _raters(study, numbers), _images(study)
    none, flags = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.bool_)
    columns = StudyColumns(
        raters=tuple(pseudonym(number, is_machine=machines) for number in numbers),
        years=np.array(raters["years"], dtype=np.int64),
        knowledge=tuple(raters["knowledge"]),
        subspecialty=tuple(raters["subspecialty"]),
        images=tuple(images["images"]),
        modality=tuple(images["modality"]),
        truth=tuple(images["truth"]),
        finding=tuple(images["finding"]),
        generator=tuple(images["generator"]),
        checkpoint=tuple(images["checkpoint"]),
        fid=np.array(images["fid"], dtype=np.float64),
        kid=np.array(images["kid"], dtype=np.float64),
        machine_auc=np.array(images["machine_auc"], dtype=np.float64),
        **dict.fromkeys(("rater", "image", "session", "kind", "position"), none),
        label=none.astype(np.int8),
        **dict.fromkeys(("letter_order", "confidence", "active_ms"), none),
        has_text=flags,
        labels=labels_of(study, 1 if first_phase else study.first_informed_session),
    )
    return columns, np.array(images["pk"] or [0], dtype=np.int64)


def _ratings(sittings: list[int], labels: tuple[str, ...]) -> dict[str, Ints]:
    """The ratings of these sittings, a column by field."""
    with connection.cursor() as cursor:
        cursor.execute(QUERY, [list(labels), sittings])
        arrays = cursor.fetchall()
    return {
        name: np.array([value for row in arrays for value in row[place]], dtype=np.int64)
        for place, name in enumerate(FIELDS)
    }


def _raters(study: Study, counted: list[int]) -> dict[str, list[Any]]:
    rows = list(
        study.enrolments.filter(number__in=counted)
        .order_by("number")
        .values_list("years", "ai_knowledge", "subspecialty")
    )
    return {
        "years": [-1 if row[0] is None else row[0] for row in rows],
        "knowledge": [row[1] for row in rows],
        "subspecialty": [" ".join(row[2].split()).lower() for row in rows],
    }


def _images(study: Study) -> dict[str, list[Any]]:
    """The facts of each image; of a blinded study only those that do not depend on the truth."""
    unblinded = study.is_unblinded
    names = ("pk", "images", "modality", "truth", "finding", "generator", "checkpoint", *MEASURES)
    by_name: dict[str, list[Any]] = {name: [] for name in names}
    sets = origins_of_sets(study) if unblinded and study.shows_sets and not study.is_arena else {}
    rows = (
        StudyImage.objects.filter(study=study, beside=None)
        .exclude(role__in=[Role.PRACTICE, Role.PROBE])
        .order_by("code")
        .values_list(
            "pk",
            "code",
            "image__modality",
            "image__origin",
            "image__label",
            "image__dataset__name",
            "image__provenance",
            "image__dataset__measurements",
        )
    )
    for pk, code, modality, origin, label, dataset, provenance, measurements in rows:
        is_fake = origin != "real"
        facts: tuple[Any, ...] = (pk, code, modality, truth_word(origin), label)
        if is_fake:
            facts += (
                generator_of(provenance, dataset),
                checkpoint_of(provenance, dataset),
                *(measured(name, provenance, measurements) for name in MEASURES),
            )
        else:
            facts += ("", "", *UNMEASURED)
        if pk in sets:
            facts = (pk, code, modality, truth_of_set(study, sets[pk]), "", "", "", *UNMEASURED)
        if not unblinded or study.is_arena:  # where no answer is the right one
            facts = (pk, code, modality, "", "", "", "", *UNMEASURED)
        for name, value in zip(names, facts, strict=True):
            by_name[name].append(value)
    return by_name


def labels_of(study: Study, session: int) -> tuple[str, ...]:
    """The labels of a session's ratings: those of its question, or the letters of a set's images."""
    if study.is_arena:
        return (*LETTERS[: study.set_size], *([TIE] if study.allows_ties else []))
    return tuple(LETTERS[: study.set_size]) if study.shows_sets else tuple(study.question(session).values)


def checkpoint_of(provenance: Mapping[str, object], dataset: str) -> str:
    """The generator, and of a trained one how far its training was."""
    step = provenance.get("checkpoint_step")
    name = generator_of(provenance, dataset)
    return name if step is None else f"{name}, step {step}"


def measured(name: str, provenance: Mapping[str, object], measurements: Mapping[str, object]) -> float:
    """The number measured of the image's checkpoint, else of its dataset; nan where nobody has."""
    for record in (provenance, measurements):
        value = record.get(name)
        value = value.get("value") if isinstance(value, Mapping) else value
        if isinstance(value, int | float) and math.isfinite(value):
            return float(value)
    return math.nan


def machine_scores(study: Study, machines: StudyColumns, session: int = 1) -> Floats:
    """The probabilities of fake that machines gave, machines × images of these columns; nan where they gave none."""
    ratings = Rating.objects.filter(
        presentation__sitting__in=Sitting.objects.of_machines().filter(
            enrolment__study=study, session=session
        ),
        presentation__kind=Presentation.Kind.MAIN,
    ).values_list("presentation__sitting__enrolment__number", "presentation__study_image__code", "view_state")
    rows = {rater: place for place, rater in enumerate(machines.raters)}
    columns = {code: place for place, code in enumerate(machines.images)}
    scores: Floats = np.full((len(rows), len(columns)), np.nan)
    for number, code, state in ratings:
        row, column = rows.get(pseudonym(number, is_machine=True)), columns.get(code)
        if row is not None and column is not None:
            scores[row, column] = state.get("p_fake", math.nan)
    return scores


def machine_names(study: Study) -> dict[str, str]:
    """What each machine is, by its pseudonym."""
    return {enrolment.pseudonym: enrolment.machine for enrolment in study.enrolments.exclude(machine="")}


@dataclass(frozen=True, slots=True)
class Response:
    """One rater's word on one image (of a set: the letter of the image chosen), with what they wrote."""

    rater: str
    image: str
    label: str
    remark: str
    reasons: tuple[str, ...]


def responses_of(
    study: Study, codes: Iterable[str] | None = None, *, session: int | None = None, text_only: bool = False
) -> list[Response]:
    """What raters answered of these images (or all) in a session, the first informed one unless given."""
    images = None
    if codes is not None:
        images = list(study.images.order_by().filter(code__in=list(codes)).values_list("pk", flat=True))
    refuse_where_ratings_differ(study, images)
    return stored_responses(study, images, session or study.first_informed_session, text_only=text_only)


def stored_responses(
    study: Study, images: Sequence[int] | None, session: int, *, text_only: bool
) -> list[Response]:
    """The same of images by key, for a reader who has looked before whether ratings differ from their revisions."""
    ratings = Rating.objects.filter(
        presentation__sitting__in=Sitting.objects.counted().filter(enrolment__study=study, session=session),
        presentation__kind=Presentation.Kind.MAIN,
    )
    if images is not None:
        ratings = ratings.filter(presentation__study_image__in=images)
    if text_only:
        ratings = ratings.exclude(remark="", reasons=[])
    rows = ratings.order_by(
        "presentation__study_image__code", "presentation__sitting__enrolment__number"
    ).values_list(
        "presentation__sitting__enrolment__number",
        "presentation__study_image__code",
        "label",
        "remark",
        "reasons",
        "presentation__places",
    )
    return [
        Response(
            *(pseudonym(number), code, places[int(label) - 1] if label.isdigit() else label),
            *(remark, tuple(reasons)),
        )
        for number, code, label, remark, reasons, places in rows
    ]
