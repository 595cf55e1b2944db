"""Every rater's order, stored: sittings and their presentations, written in bulk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from django.db import connection, transaction

from rating import ordering
from rating.models.sittings import Enrolment, Presentation, Sitting, random_token
from rating.models.studies import Role, Study

COLUMNS = ("sitting_id", "position", "study_image_id", "kind", "token")
PRACTICE_SESSION = 0  # no sitting has this number, so practice has a seed of its own


@dataclass(frozen=True, slots=True)
class Item:
    """What an order needs to know of a study image."""

    pk: int
    code: str
    role: str
    block: int
    origin: str
    stratum: tuple[str, str, str]


class Orders:
    """The orders of one study; its images are read once, however many raters there are."""

    def __init__(self, study: Study) -> None:
        self.study = study

    @cached_property
    def items(self) -> list[Item]:
        rows = self.study.images.order_by("code").values_list(
            "pk", "code", "role", "block", "image__origin", "image__modality", "image__label"
        )
        return [
            Item(pk, code, role, block, origin, (modality, origin, label))
            for pk, code, role, block, origin, modality, label in rows.iterator(chunk_size=2000)
        ]

    @cached_property
    def practice(self) -> list[tuple[Item, str]]:
        """The same for every rater, so that nobody is trained better than another."""
        items = [item for item in self.items if item.role == Role.PRACTICE]
        seed = ordering.seed_for(self.study.seed, 0, PRACTICE_SESSION)
        order = ordering.make_order([item.origin for item in items], seed)
        return [(items[showing.item], Presentation.Kind.PRACTICE.value) for showing in order]

    def make_sittings(self, enrolment: Enrolment) -> None:
        """All of a rater's sessions, each in an order of its own."""
        for session in range(1, self.study.sessions + 1):
            self.make_sitting(enrolment, session)

    @transaction.atomic
    def make_sitting(self, enrolment: Enrolment, session: int = 1, *, attempt: int = 1) -> Sitting:
        """A sitting with its stored order; the same study seed gives the same order again."""
        seed = ordering.seed_for(self.study.seed, enrolment.number, session, attempt)
        # Practice tells afterwards what an image was, so it waits until raters know what is asked.
        practice = [] if self.study.is_blinded_to_purpose(session) else self.practice
        order = [*practice, *self._body(enrolment, seed)]
        sitting = Sitting.objects.create(
            enrolment=enrolment,
            session=session,
            attempt=attempt,
            seed=seed,
            order_version=ordering.VERSION,
        )
        _copy(
            (sitting.pk, position, item.pk, kind, random_token())
            for position, (item, kind) in enumerate(order, start=1)
        )
        sitting.order_sha256 = _sha256(order)
        sitting.save(update_fields=["order_sha256"])
        return sitting

    def _body(self, enrolment: Enrolment, seed: int) -> Iterator[tuple[Item, str]]:
        own_block = (enrolment.slot - 1) % self.study.blocks + 1
        items = [i for i in self.items if i.role != Role.PRACTICE and i.block in {0, own_block}]
        order = ordering.make_order(
            [item.origin for item in items],
            seed,
            strata=[item.stratum for item in items],
            repeats=self.study.repeats,
            gap=self.study.repeat_gap,
        )
        for showing in order:
            item = items[showing.item]
            yield item, Presentation.Kind.REPEAT.value if showing.is_repeat else item.role


def _copy(rows: Iterator[tuple[int, int, int, str, str]]) -> None:
    """Presentations by PostgreSQL's COPY: a hundred raters times ten thousand images in seconds."""
    into = f"COPY {Presentation._meta.db_table} ({', '.join(COLUMNS)}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(into) as copy:
        for row in rows:
            copy.write_row(row)


def _sha256(order: list[tuple[Item, str]]) -> str:
    """One digest for an order, which the export can be checked against."""
    lines = "".join(f"{position},{item.code},{kind}\n" for position, (item, kind) in enumerate(order, 1))
    return hashlib.sha256(lines.encode()).hexdigest()
