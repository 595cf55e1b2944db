"""What somebody does who holds the whole database: the guards off, statements, the guards on again."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, transaction

from rating.models import Study

Tampering = tuple[str, Callable[[], None]]


def as_superuser(*statements: str, values: Any = ()) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # no trigger fires
        for statement in statements:
            cursor.execute(statement, values or None)
        cursor.execute("SET session_replication_role = DEFAULT")


# How a cell becomes another that its column takes.
EDITS = {
    "text": "{0} || 'x'",
    "sha": "reverse({0})",
    "digest": "CASE {0} WHEN '' THEN 'x' ELSE reverse({0}) END",
    "number": "coalesce({0}, 0) + 1",
    "time": "{0} + interval '1 microsecond'",
    "json": "'{{\"n\": 8}}'",
    "uuid": "gen_random_uuid()",
    "label": "CASE {0} WHEN 'real' THEN 'fake' ELSE 'real' END",
    "null": "CASE WHEN {0} IS NULL THEN now() END",
}
EVENT = {
    **dict.fromkeys(["subject_kind", "subject_key", "action", "actor_kind", "reason"], "text"),
    "identity_sha256": "digest",
    "reason_sha256": "digest",
    "sha256": "sha",
    "number": "number",
    "at": "time",
    "detail": "json",
    "actor": "uuid",
}
REVISION = {
    "label": "label",
    "remark": "text",
    "confidence": "number",
    "reasons": "json",
    "active_ms": "number",
    "idle_ms": "number",
    "view_state": "json",
    "client_key": "uuid",
    "saved_at": "time",
    "sha256": "sha",
    "remark_sha256": "digest",
    "chain_number": "number",
}
RATING = {
    name: EDITS for name, EDITS in REVISION.items() if name in {"label", "remark", "confidence", "idle_ms"}
}


def any_tampering(study: Study, chance: random.Random) -> Tampering:
    """One act on what has to do with this study, by somebody who mends no hash: its name, and the act."""
    return chance.choice([edit, edit, remove, swap, insert, of_study, of_study])(study, chance)


def edit(study: Study, chance: random.Random) -> Tampering:
    table, columns = chance.choice(
        [("audit_event", EVENT), ("rating_ratingrevision", REVISION), ("rating_rating", RATING)]
    )
    key = chance.choice(_keys(table, study))
    column = chance.choice(sorted(columns))
    cell = EDITS[columns[column]].format(column)
    if column in {"number", "chain_number"}:
        cell = f"{column} + 100000"
    return f"edit {table}.{column} of {key}", lambda: as_superuser(
        f"UPDATE {table} SET {column} = {cell} WHERE id = {key}"
    )


def remove(study: Study, chance: random.Random) -> Tampering:
    """Rows that are not the last of their chain: a cut tail needs an anchor, or the heads in the next chain."""
    table, chain, number = chance.choice(CHAINS)
    rows = _rows(
        f"SELECT id FROM {table} outer_row WHERE {number} < "
        f"(SELECT max({number}) FROM {table} inner_row WHERE inner_row.{chain} = outer_row.{chain})"
    )
    key = chance.choice(rows)
    return f"remove {key} of {table}", lambda: as_superuser(f"DELETE FROM {table} WHERE id = {key}")


def swap(study: Study, chance: random.Random) -> Tampering:
    table, chain, number = chance.choice(CHAINS)
    rows = _rows(f"SELECT id FROM {table} ORDER BY {chain}, {number}")
    first, second = chance.sample(rows, 2)
    place = f"SELECT {chain}, {number} FROM {table} WHERE id = "

    def act() -> None:
        with connection.cursor() as cursor:
            places = []
            for key in (first, second):
                cursor.execute(f"{place}{key}")
                places.append(cursor.fetchone())
        move = f"UPDATE {table} SET {chain} = %s, {number} = %s WHERE id = "
        as_superuser(f"UPDATE {table} SET {number} = 2000000 WHERE id = {first}")
        as_superuser(f"{move}{second}", values=places[0])
        as_superuser(f"{move}{first}", values=places[1])

    return f"swap {first} and {second} of {table}", act


def insert(study: Study, chance: random.Random) -> Tampering:
    table, chain, number = chance.choice(CHAINS)
    key = chance.choice(_rows(f"SELECT id FROM {table} ORDER BY id"))
    own = {"id", number, "client_key"} | ({"number"} if table == "rating_ratingrevision" else set())
    with connection.cursor() as cursor:
        columns = [each.name for each in connection.introspection.get_table_description(cursor, table)]
    copied = [name for name in columns if name not in own]
    values = {number: f"(SELECT max({number}) + 1 FROM {table} t WHERE t.{chain} = {table}.{chain})"}
    if table == "rating_ratingrevision":
        values |= {"client_key": "gen_random_uuid()", "number": "number + 1000"}
    names = ", ".join([*copied, *values])
    cells = ", ".join([*copied, *values.values()])
    return f"insert a copy of {key} into {table}", lambda: as_superuser(
        f"INSERT INTO {table} ({names}) SELECT {cells} FROM {table} WHERE id = {key}"
    )


CHAINS = [("audit_event", "chain", "number"), ("rating_ratingrevision", "sitting_id", "chain_number")]


def of_study(study: Study, chance: random.Random) -> Tampering:
    """On the study, its images, orders, raters or images."""
    image = chance.choice(list(study.images.all()))
    shown = chance.choice(_keys("rating_presentation", study))
    sitting = chance.choice(_keys("rating_sitting", study))
    rater = chance.choice(list(study.enrolments.all())).pk
    rows = {
        "rating_study": (
            study.pk,
            [
                "closed_at = closed_at - interval '1 hour'",
                "unblinded_at = NULL, state = 'closed'",
                "frozen_at = now()",
                "opened_at = now()",
                "seed = seed + 1",
                "manifest_sha256 = reverse(manifest_sha256)",
                "unsure_policy = CASE unsure_policy WHEN 'wrong' THEN 'half' ELSE 'wrong' END",
            ],
        ),
        "rating_studyimage": (
            image.pk,
            [
                "derivative_sha256 = reverse(derivative_sha256)",
                "code = code || '9'",
                "role = CASE role WHEN 'main' THEN 'probe' ELSE 'main' END",
            ],
        ),
        "rating_presentation": (shown, ["position = position + 1000", "kind = 'probe'"]),
        "rating_sitting": (
            sitting,
            ["order_sha256 = reverse(order_sha256)", "unblinded_at = now()", "reset_at = now()"],
        ),
        "rating_enrolment": (rater, ["withdrawn_at = now()", "number = number + 50"]),
    }
    table = chance.choice([*rows, "pool_image", "image"])
    if table == "pool_image":
        change = "origin = CASE origin WHEN 'real' THEN 'synthetic' ELSE 'real' END"
        if chance.random() < 0.5:
            change = "pixel_sha256 = reverse(pixel_sha256)"
        key = f"'{image.image_id}'"
        return f"pool_image {key}: {change}", lambda: as_superuser(
            f"UPDATE pool_image SET {change} WHERE id = {key}"
        )
    if table == "image":
        return f"another image of {image.code}", lambda: _replace(str(image.derivative.name))
    row, changes = rows[table]
    change = chance.choice(changes)
    return f"{table} {row}: {change}", lambda: as_superuser(f"UPDATE {table} SET {change} WHERE id = {row}")


def mend() -> None:
    """Number and hash every chain of events anew from its first row, as the seal would have."""
    as_superuser(
        """
        DO $$
        DECLARE
            event audit_event; before text; last_chain text; place bigint;
        BEGIN
            FOR event IN SELECT * FROM audit_event ORDER BY chain, number, id LOOP
                IF event.chain IS DISTINCT FROM last_chain THEN before := ''; place := 0; last_chain := event.chain; END IF;
                place := place + 1;
                before := audit_sha256(audit_cells('event 1', before, event.chain, place::text, audit_moment(event.at),
                    event.subject_kind, event.subject_key, event.action, event.actor_kind, event.actor::text,
                    event.identity_sha256, event.reason_sha256, event.detail::text));
                UPDATE audit_event SET number = place + 1000000, sha256 = before WHERE id = event.id;
            END LOOP;
            UPDATE audit_event SET number = number - 1000000;
        END $$
        """
    )


@contextlib.contextmanager
def undone(study: Study) -> Iterator[None]:
    """What is done inside this block, to rows and images, is as if it had not been."""
    images = {str(image.derivative.name): image.derivative.open().read() for image in study.images.all()}
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    for name, content in images.items():
        with default_storage.open(name) as file:
            same = file.read() == content
        if not same:
            _replace(name, content)


def _replace(name: str, content: bytes = b"another image") -> None:
    default_storage.delete(name)
    default_storage.save(name, ContentFile(content))


def _keys(table: str, study: Study) -> list[int]:
    of_study = {
        "audit_event": f"SELECT id FROM audit_event WHERE chain IN ('site', '{study.trail}')",
        "rating_ratingrevision": "SELECT id FROM rating_ratingrevision",
        "rating_rating": "SELECT id FROM rating_rating",
        "rating_presentation": "SELECT id FROM rating_presentation",
        "rating_sitting": "SELECT id FROM rating_sitting",
    }
    return _rows(f"{of_study[table]} ORDER BY id")


def _rows(query: str) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return [key for (key,) in cursor.fetchall()]
