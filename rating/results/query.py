"""The one module of the analysis that asks the database: a study's ratings as columns, in one read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection

from rating.reading.rating import Rating
from rating.statistics.arrays import Floats
from rating.statistics.columns import MAIN, MEASURES, REPEAT, StudyColumns
from rating.studies.enrolment import pseudonym
from rating.studies.images import LETTERS, StudyImage
from rating.studies.presentation import Presentation
from rating.studies.sets import origins_of_sets, truth_of_set, truth_word
from rating.studies.sitting import Sitting
from rating.studies.strata import Role
from rating.studies.study import Study

KINDS = {Presentation.Kind.MAIN.value: MAIN, Presentation.Kind.REPEAT.value: REPEAT}
# In a binary COPY an array of numbers that are never null has cells of one size, so it is one of numpy's already. One
# row a sitting spares a million calls: a rating a row would take a second more, rows of Python objects ten.
# Of a set, where raters give a place: the letter of the image that stood there, which is the same for all of them.
SAID = "CASE WHEN p.places = '' THEN r.label ELSE substr(p.places, r.label::int, 1) END"
FIELDS = (
    ("sitting", "i8", "p.sitting_id::int8"),
    ("image", "i8", "p.study_image_id::int8"),
    ("kind", "i2", "(CASE p.kind WHEN 'main' THEN 0 ELSE 1 END)::int2"),
    ("position", "i4", "p.position::int4"),
    ("label", "i2", f"(array_position(%s::varchar[], {SAID}::varchar) - 1)::int2"),
    ("letters", "i4", f"coalesce(nullif(translate(p.places, '{LETTERS}', '1234'), ''), '0')::int4"),
    ("confidence", "i2", "coalesce(r.confidence, 0)::int2"),
    ("active_ms", "i8", "coalesce(r.active_ms, -1)::int8"),
    ("has_text", "i2", "(r.remark <> '')::int::int2"),
)
QUERY = (
    f"COPY (SELECT {', '.join(f'array_agg({words})' for _, _, words in FIELDS)} "  # noqa: S608  (constants of this module only)
    "FROM rating_presentation p JOIN rating_rating r ON r.presentation_id = p.id "
    "WHERE p.sitting_id = ANY(%s) AND p.kind IN ('main', 'repeat') GROUP BY p.sitting_id) TO STDOUT (FORMAT BINARY)"
)
# Bytes before and behind the rows, before the fields of a row, and before the cells of an array.
HEADER, TRAILER, FIELD_COUNT, ARRAY_HEADER = 19, 2, 2, 20
UNMEASURED = (math.nan,) * len(MEASURES)


def read_columns(study: Study, *, machines: bool = False, first_phase: bool = False) -> StudyColumns:
    """Every rating that counts, or the machines': sittings started over, withdrawn or unblinded are left out.

    What depends on the truth is read only of an unblinded study. Of one in two phases these are the informed
    sessions, or else those of the first phase alone: the two are never mixed, as they answer different questions.
    """
    of_whom = Sitting.objects.of_machines() if machines else Sitting.objects.counted()
    informed = study.first_informed_session
    phase = {"session__lt": informed} if first_phase else {"session__gte": informed}
    sittings = of_whom.filter(enrolment__study=study, **phase)
    labels = labels_of(study, 1 if first_phase else informed)
    of_sitting = list(sittings.values_list("pk", "session", "enrolment__number"))
    raters = _raters(study, {number for _, _, number in of_sitting})
    images = _images(study)
    rows = _copied([pk for pk, _, _ in of_sitting], labels)
    place_of_rater = {number: place for place, number in enumerate(raters["number"])}
    keys = np.array([pk for pk, _, _ in of_sitting] or [0], dtype=np.int64)
    image_keys = np.array(images["pk"] or [0], dtype=np.int64)
    rows = rows[np.isin(rows["image"], image_keys)]  # a repeat may be of a probe
    order = np.argsort(keys)
    at = order[np.searchsorted(keys, rows["sitting"], sorter=order)] if of_sitting else rows["sitting"]
    image_order = np.argsort(image_keys)
    return StudyColumns(
        raters=tuple(pseudonym(number, is_machine=machines) for number in raters["number"]),
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
        rater=np.array([place_of_rater[number] for _, _, number in of_sitting], dtype=np.int64)[at],
        session=np.array([session for _, session, _ in of_sitting], dtype=np.int64)[at],
        image=image_order[np.searchsorted(image_keys, rows["image"], sorter=image_order)],
        kind=rows["kind"].astype(np.int64),
        position=rows["position"].astype(np.int64),
        label=rows["label"].astype(np.int8),
        letters=rows["letters"].astype(np.int64),
        confidence=rows["confidence"].astype(np.int64),
        active_ms=rows["active_ms"].astype(np.int64),
        has_text=rows["has_text"] > 0,
        labels=labels,
    )


def _copied(sittings: list[int], labels: tuple[str, ...]) -> Any:
    """The ratings of these sittings as a structured array, straight from the server's binary arrays."""
    with connection.cursor() as cursor, cursor.cursor.copy(QUERY, [list(labels), sittings]) as copy:
        content = b"".join(bytes(part) for part in copy)
    parts_of: dict[str, list[Any]] = {name: [] for name, _, _ in FIELDS}
    at = HEADER
    while at < len(content) - TRAILER:
        at += FIELD_COUNT
        for name, kind, _ in FIELDS:
            size = int.from_bytes(content[at : at + 4])
            cell = np.dtype([("bytes", ">i4"), ("value", f">{kind}")])
            n, begins = (size - ARRAY_HEADER) // cell.itemsize, at + 4 + ARRAY_HEADER
            parts_of[name].append(np.frombuffer(content, cell, n, begins)["value"])
            at += 4 + size
    rows = np.empty(sum(map(len, parts_of["sitting"])), dtype=[(name, kind) for name, kind, _ in FIELDS])
    for name, parts in parts_of.items():
        if parts:
            rows[name] = np.concatenate(parts)
    return rows


def _raters(study: Study, counted: set[int]) -> dict[str, list[Any]]:
    rows = list(
        study.enrolments.filter(number__in=counted)
        .order_by("number")
        .values_list("number", "years", "ai_knowledge", "subspecialty")
    )
    return {
        "number": [row[0] for row in rows],
        "years": [-1 if row[1] is None else row[1] for row in rows],
        "knowledge": [row[2] for row in rows],
        "subspecialty": [" ".join(row[3].split()).lower() for row in rows],
    }


def _images(study: Study) -> dict[str, list[Any]]:
    """The facts of each image; of a blinded study only those that do not depend on the truth."""
    is_unblinded = study.is_unblinded
    names = ("pk", "images", "modality", "truth", "finding", "generator", "checkpoint", *MEASURES)
    columns: dict[str, list[Any]] = {name: [] for name in names}
    sets = origins_of_sets(study) if is_unblinded and study.shows_sets else {}
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
        if not is_unblinded:
            facts = (pk, code, modality, "", "", "", "", *UNMEASURED)
        for name, value in zip(names, facts, strict=True):
            columns[name].append(value)
    return columns


def labels_of(study: Study, session: int) -> tuple[str, ...]:
    """The labels of a session's ratings: those of its question, or the letters of a set's images."""
    return tuple(LETTERS[: study.set_size]) if study.shows_sets else tuple(study.question(session).values)


def generator_of(provenance: Mapping[str, Any], dataset: str) -> str:
    """What made a fake: its model, else its engine, else the dataset it came in."""
    return str(provenance.get("model") or provenance.get("engine") or dataset)


def checkpoint_of(provenance: Mapping[str, Any], dataset: str) -> str:
    """The generator, and of a trained one how far its training was."""
    step = provenance.get("checkpoint_step")
    name = generator_of(provenance, dataset)
    return name if step is None else f"{name}, step {step}"


def measured(name: str, provenance: Mapping[str, Any], measurements: Mapping[str, Any]) -> float:
    """The number measured of the image's checkpoint, else of its dataset; nan where nobody has."""
    for measures in (provenance, measurements):
        value = measures.get(name)
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
    """One rater's word on one image (of a set: the letter of the image he chose), with what he wrote."""

    rater: str
    image: str
    label: str
    remark: str
    reasons: tuple[str, ...]


def responses_of(
    study: Study, codes: Iterable[str] | None = None, *, session: int | None = None, text_only: bool = False
) -> list[Response]:
    """What raters said of these images (or all) in a session, the first informed one unless said."""
    session = session or study.first_informed_session
    ratings = Rating.objects.filter(
        presentation__sitting__in=Sitting.objects.counted().filter(enrolment__study=study, session=session),
        presentation__kind=Presentation.Kind.MAIN,
    )
    if codes is not None:
        ratings = ratings.filter(presentation__study_image__code__in=list(codes))
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
            *(pseudonym(number), code, places[int(label) - 1] if places else label),
            *(remark, tuple(reasons)),
        )
        for number, code, label, remark, reasons, places in rows
    ]
