"""The rows of a site that has been in use for years, filled by INSERT … SELECT in a minute or two.

Triggers do not run meanwhile (their owner has switched them off for this connection), so what they would have written
is written here: each sitting's progress and the hash chain of its revisions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, transaction

from accounts.membership.models import Part
from accounts.models import User
from pool.canonical.pixels import blinded_derivative, encode_png
from pool.models import Dataset
from rating.models import Study

DATASETS = 20
FINDINGS = "ARRAY['normal', 'nodule', 'opacity|effusion', 'pneumonia']"
# The link of a chain as the trigger writes it (rating migration 0007), as an aggregate over a sitting's saves.
CHAIN = """
CREATE OR REPLACE FUNCTION bench_link(before text, content text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN RETURN audit_sha256(audit_cell('revision 1') || audit_cell(before) || content); END $$;
CREATE OR REPLACE AGGREGATE bench_chain(text) (SFUNC = bench_link, STYPE = text, INITCOND = '')
"""
NUMBERED = {"id": "nextval(pg_get_serial_sequence('{table}', 'id'))"}


@dataclass(frozen=True, slots=True)
class Kind:
    """So many studies of one size and state; `rated` is the share of each order that has a rating."""

    name: str
    count: int
    raters: int
    images: int
    state: str
    rated: float = 1.0


def kinds(ratings: int) -> list[Kind]:
    """Three large studies and a hundred small ones, about so many ratings in all."""
    side = max(ratings, 10_000) // 1000
    return [
        Kind("Large unblinded", 1, 100, 4 * side, "unblinded"),
        Kind("Large closed", 1, 100, 2 * side, "closed"),
        Kind("Large open", 1, 100, 2 * side, "open", rated=0.9),
        Kind("Small unblinded", 40, 10, side // 5, "unblinded"),
        Kind("Small closed", 30, 10, side // 5, "closed"),
        Kind("Small open", 30, 10, side // 5, "open", rated=0.5),
    ]


def fill(ratings: int, images: int, people: Mapping[str, User], prototypes: Mapping[str, int]) -> None:
    """All of it. `people` are members and rater of everything; `prototypes` name the jobs that are multiplied."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("SELECT setseed(0.5)")
        cursor.execute(CHAIN)
        datasets = _datasets(cursor, images, people)
        _raters(cursor, 300)
        for kind in kinds(ratings):
            for number in range(kind.count):
                _study(cursor, kind, number, datasets, people)
        _ratings(cursor)
        _jobs(cursor, datasets, prototypes)
    _events()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def multiply(cursor: Any, table: str, source: str, *, like: str = "true", **columns: str) -> None:
    """Rows like an existing one of the table, but for these columns (SQL over `source`)."""
    pairs = ", ".join(f"'{name}', {words}" for name, words in columns.items())
    cursor.execute(
        f"INSERT INTO {table} SELECT made.* FROM (SELECT t AS row FROM {table} t WHERE {like} LIMIT 1) prototype, "
        f"{source}, LATERAL jsonb_populate_record(prototype.row, jsonb_build_object({pairs})) made"
    )


def numbered(table: str) -> str:
    return NUMBERED["id"].format(table=table)


def _datasets(cursor: Any, images: int, people: Mapping[str, User]) -> list[Dataset]:
    import numpy as np

    pixels = np.random.default_rng(1).integers(0, 255, (64, 64)).astype(np.uint8)
    file = default_storage.save("images/bench.png", ContentFile(encode_png(pixels)))
    datasets = []
    for number in range(DATASETS):
        origin = "synthetic" if number % 2 else "real"
        dataset = Dataset.objects.create(
            name=f"Archive {number:02}", origin=origin, modality=("xray", "ct")[number // 2 % 2]
        )
        for person in (people["researcher"], people["admin"]):
            dataset.share_with(person, Part.OWNER)
        datasets.append(dataset)
        multiply(
            cursor,
            "pool_image",
            f"generate_series(1, {images // DATASETS}) n",
            id="gen_random_uuid()",
            dataset_id=str(dataset.pk),
            origin=f"'{origin}'",
            modality=f"'{dataset.modality}'",
            label=f"({FINDINGS})[1 + n % 4]",
            patient_key=f"md5('{number} ' || n / 3)",
            pixel_sha256=f"encode(sha256(('{number} ' || n)::bytea), 'hex')",
            source_sha256=f"encode(sha256(('file {number} ' || n)::bytea), 'hex')",
            source_name="'series/' || n || '.dcm'",
            perceptual_hash=f"substr(md5('{number} ' || n), 1, 16)",
            file=f"'{file}'",
            provenance=f"""CASE WHEN '{origin}' = 'real' THEN '{{}}'::jsonb
                ELSE jsonb_build_object('engine', 'diffusion', 'model', 'generator ' || n % 3) END""",
            excluded_reason="CASE WHEN n % 50 = 0 THEN 'Of another body part.' ELSE '' END",
            excluded_by_id=f"CASE WHEN n % 50 = 0 THEN {people['researcher'].pk} END",
            created_at="now() - n * interval '1 minute'",
        )
    return datasets


def _raters(cursor: Any, count: int) -> None:
    multiply(
        cursor,
        "accounts_user",
        f"generate_series(1, {count}) n",
        like="role = 'rater'",
        id=numbered("accounts_user"),
        uuid="gen_random_uuid()",
        email="'reader' || n || '@example.org'",
        first_name="'Reader'",
        last_name="'Number ' || n",
        address_confirmed_at="now()",
    )


def _study(cursor: Any, kind: Kind, number: int, datasets: list[Dataset], people: Mapping[str, User]) -> None:
    name = kind.name if kind.count == 1 else f"{kind.name} {number:02}"
    study = Study.objects.create(name=name, canvas=64, primary_endpoint="fool-rate")
    for person in (people["researcher"], people["admin"]):
        study.share_with(person, Part.OWNER)
    derivative, sha256 = _derivative(study)
    pair = [datasets[2 * number % DATASETS], datasets[(2 * number + 1) % DATASETS]]
    for dataset in pair:
        study.strata.create(dataset=dataset, count=kind.images // 2)
    multiply(
        cursor,
        "rating_studyimage",
        f"(SELECT image.id AS image, row_number() OVER (ORDER BY md5(image.id::text)) AS n FROM ("
        f"(SELECT id FROM pool_image WHERE dataset_id = {pair[0].pk} AND excluded_reason = '' ORDER BY id LIMIT {kind.images // 2})"
        f" UNION ALL "
        f"(SELECT id FROM pool_image WHERE dataset_id = {pair[1].pk} AND excluded_reason = '' ORDER BY id LIMIT {kind.images // 2})"
        f") image) own",
        id=numbered("rating_studyimage"),
        study_id=str(study.pk),
        image_id="image",
        code="'I' || lpad(n::text, 5, '0')",
        derivative=f"'{derivative}'",
        derivative_sha256=f"'{sha256}'",
    )
    _orders(cursor, study, kind, number, people)
    stamps = {
        "opened_at": "now() - interval '90 days'",
        "frozen_at": "now() - interval '91 days'",
        "manifest_sha256": "repeat('0', 64)",
        "order_version": "'bench'",
        "state": f"'{kind.state}'",
    }
    if kind.state != "open":
        stamps["closed_at"] = "now() - interval '2 days'"
    if kind.state == "unblinded":
        stamps["unblinded_at"] = "now() - interval '1 day'"
    changes = ", ".join(f"{column} = {words}" for column, words in stamps.items())
    cursor.execute(f"UPDATE rating_study SET {changes} WHERE id = %s", [study.pk])


def _orders(cursor: Any, study: Study, kind: Kind, number: int, people: Mapping[str, User]) -> None:
    multiply(
        cursor,
        "rating_enrolment",
        f"(SELECT id AS person, row_number() OVER (ORDER BY id) AS n FROM ((SELECT {people['rater'].pk}::bigint AS id)"
        f" UNION ALL (SELECT id FROM accounts_user WHERE email LIKE 'reader%' ORDER BY id "
        f"OFFSET {7 * number % 100} LIMIT {kind.raters - 1})) reader) own",
        like="machine = '' AND consented_at IS NOT NULL AND withdrawn_at IS NULL",
        id=numbered("rating_enrolment"),
        study_id=str(study.pk),
        user_id="person",
        number="n",
        slot="n",
        years="n % 30",
        ai_knowledge="(ARRAY['none', 'heard', 'used', 'works'])[1 + n % 4]",
        consent_version=f"'{study.consent_version(1)}'",
    )
    read = int(kind.images * kind.rated)
    multiply(
        cursor,
        "rating_sitting",
        f"(SELECT id AS enrolment FROM rating_enrolment WHERE study_id = {study.pk}) own",
        id=numbered("rating_sitting"),
        enrolment_id="enrolment",
        session="1",
        attempt="1",
        order_sha256="repeat('0', 64)",
        presentation_count=str(kind.images),
        practice_count="0",
        rated_count=str(read),
        next_position=str(read + 1) if read < kind.images else "NULL",
        furthest_position=str(read),
        ended_at="now() - interval '3 days'",
        timed_count=str(read),
        timed_ms=str(read * 6000),
        entered="0",
    )
    multiply(
        cursor,
        "rating_presentation",
        "(SELECT sitting.id AS sitting, image.id AS image, row_number() OVER (PARTITION BY sitting.id ORDER BY "
        "hashint8(sitting.id * 1000003 + image.id)) AS place FROM rating_sitting sitting JOIN rating_enrolment enrolment "
        f"ON enrolment.id = sitting.enrolment_id AND enrolment.study_id = {study.pk} "
        f"JOIN rating_studyimage image ON image.study_id = {study.pk}) own",
        like="kind = 'main' AND places = ''",
        id=numbered("rating_presentation"),
        sitting_id="sitting",
        study_image_id="image",
        position="place",
        token="md5('bench ' || sitting || ' ' || place)",
        first_shown_at=f"CASE WHEN place <= {read} THEN now() - interval '4 days' END",
    )


def _ratings(cursor: Any) -> None:
    """A rating and its save of every presentation that was shown; the chains as triggers would have written them."""
    multiply(
        cursor,
        "rating_rating",
        "(SELECT presentation.id AS presentation, presentation.position AS place, random() AS luck, random() AS luck2, "
        "image.origin FROM rating_presentation presentation JOIN rating_studyimage own ON own.id = presentation.study_image_id "
        "JOIN pool_image image ON image.id = own.image_id "
        "WHERE presentation.first_shown_at IS NOT NULL AND presentation.token = "
        "md5('bench ' || presentation.sitting_id || ' ' || presentation.position) ORDER BY presentation.id) shown",
        id=numbered("rating_rating"),
        presentation_id="presentation",
        revision="1",
        label="CASE WHEN luck < 0.5 THEN CASE origin WHEN 'real' THEN 'real' ELSE 'fake' END "
        "WHEN luck < 0.7 THEN 'real' WHEN luck < 0.9 THEN 'fake' ELSE 'unsure' END",
        confidence="1 + floor(5 * luck2)::int",
        remark="CASE WHEN luck2 < 0.05 THEN 'The ribs end in nothing at ' || place ELSE '' END",
        reasons="CASE WHEN luck2 > 0.9 THEN '[\"texture\"]'::jsonb ELSE '[]'::jsonb END",
        active_ms="(2000 + 8000 * luck2)::int",
        idle_ms="0",
        view_state="'{}'::jsonb",
        rated_at="now() - interval '4 days' + place * interval '6 seconds'",
    )
    multiply(
        cursor,
        "rating_ratingrevision",
        """(
            SELECT save.*, bench_chain(audit_cells(
                sitting::text, place::text, rating_id::text, presentation_id::text, '1', client_key::text,
                audit_moment(rated_at), label, confidence::text, reasons::text, active_ms::text, idle_ms::text,
                view_state::text, remark_sha256, ''
            )) OVER (PARTITION BY sitting ORDER BY place) AS chained
            FROM (
                SELECT rating.id AS rating_id, rating.presentation_id, presentation.sitting_id AS sitting,
                    presentation.position AS place, gen_random_uuid() AS client_key, rating.rated_at, rating.label,
                    rating.remark, rating.confidence, rating.reasons, rating.active_ms, rating.idle_ms, rating.view_state,
                    CASE rating.remark WHEN '' THEN '' ELSE audit_sha256('nonce' || rating.remark) END AS remark_sha256
                FROM rating_rating rating JOIN rating_presentation presentation ON presentation.id = rating.presentation_id
                WHERE NOT EXISTS (SELECT FROM rating_ratingrevision WHERE rating_id = rating.id)
            ) save
        ) saved""",
        id=numbered("rating_ratingrevision"),
        rating_id="rating_id",
        number="1",
        client_key="client_key",
        saved_at="rated_at",
        sitting_id="sitting",
        chain_number="place",
        reason="''",
        reason_nonce="''",
        reason_sha256="''",
        remark_nonce="CASE remark WHEN '' THEN '' ELSE 'nonce' END",
        sha256="chained",
        **{
            name: name
            for name in (
                *("label", "remark", "remark_sha256", "confidence", "reasons"),
                *("active_ms", "idle_ms", "view_state"),
            )
        },
    )


def _jobs(cursor: Any, datasets: list[Dataset], prototypes: Mapping[str, int]) -> None:
    """Years of jobs, and what became of each of their images and files."""
    fakes = [dataset.pk for dataset in datasets if dataset.origin == "synthetic"]
    for table, count in (
        ("generation_generationjob", 2000),
        ("pool_importjob", 500),
        ("generation_trainingrun", 200),
        ("generation_qualityreport", 200),
    ):
        named = {"name": "'Run ' || n"} if table == "generation_trainingrun" else {}
        multiply(
            cursor,
            table,
            f"generate_series(1, {count}) n",
            like=f"id = {prototypes[table]}",
            id=numbered(table),
            state="'succeeded'",
            created_at="now() - n * interval '1 hour'",
            started_at="now() - n * interval '1 hour'",
            finished_at="now() - n * interval '1 hour' + interval '10 minutes'",
            **named,
        )
    multiply(
        cursor,
        "generation_generatedimage",
        "(SELECT id AS made, row_number() OVER (ORDER BY id) - 1 AS n FROM pool_image WHERE dataset_id = "
        f"ANY(ARRAY{fakes})) own",
        id=numbered("generation_generatedimage"),
        job_id=_in_turn("generation_generationjob", prototypes),
        index="100 + n",
        image_id="made",
        outcome="'made'",
        reason="''",
    )
    multiply(
        cursor,
        "pool_fileoutcome",
        "generate_series(1, 50000) n",
        like="kind = 'refused'",
        id=numbered("pool_fileoutcome"),
        job_id=_in_turn("pool_importjob", prototypes),
        file="'series/' || n || '.dcm'",
    )


def _in_turn(table: str, prototypes: Mapping[str, int]) -> str:
    """Every fifth row is of the job that the pages show, the others of all jobs in turn."""
    jobs = f"ARRAY(SELECT id FROM {table} ORDER BY id DESC LIMIT 400)"
    return f"CASE WHEN n % 5 = 0 THEN {prototypes[table]} ELSE ({jobs})[1 + n % 400] END"


def _events() -> None:
    """The log as it grows, through its own triggers: half of it the largest study's."""
    largest = Study.objects.get(name="Large unblinded")
    with transaction.atomic(), connection.cursor() as cursor:
        multiply(
            cursor,
            "audit_event",
            "generate_series(1, 30000) n",
            like="actor_kind = 'person' AND reason = ''",
            id=numbered("audit_event"),
            chain=f"CASE WHEN n % 2 = 0 THEN '{largest.trail}' ELSE 'site' END",
            subject_kind="'study'",
            subject_key=f"'{largest.pk}'",
            action="'looked at the truth'",
            detail="jsonb_build_object('page', 'question ' || n % 10)",
            number="NULL",
            sha256="''",
        )


def _derivative(study: Study) -> tuple[str, str]:
    import hashlib

    import numpy as np

    pixels = np.random.default_rng(2).integers(0, 255, (64, 64)).astype(np.uint8)
    content = blinded_derivative(pixels, side=64)
    name = default_storage.save(f"derivatives/{study.pk}/bench.png", ContentFile(content))
    return name, hashlib.sha256(content).hexdigest()
