"""Every rater's order, stored: sittings and their presentations, written in bulk."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from django.db import connection, transaction

from pool.models import Origin
from rating.studies.images import LETTERS
from rating.studies.randomness import random_token
from rating.studies.sampling.generators import competitors_of_sets
from rating.studies.sampling.strata import Kind, Role
from rating.studies.sittings import ordering
from rating.studies.study import Study

if TYPE_CHECKING:
    from rating.studies.enrolment import Enrolment
    from rating.studies.sittings.sitting import Sitting

COLUMNS = ("sitting_id", "position", "study_image_id", "kind", "places", "token")
PRACTICE_SESSION = 0  # no sitting has this number, so practice has a seed of its own


@dataclass(frozen=True, slots=True)
class Item:
    """What an order needs to know of a study image, or of the set that goes by it."""

    pk: int
    code: str
    role: str
    block: int
    origin: str
    stratum: tuple[str, ...]
    letters: str = ""  # of a set, the one looked for first


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line of an order."""

    item: Item
    kind: str
    places: str


class Orders:
    """The orders of one study; its images are read once, however many raters there are."""

    def __init__(self, study: Study) -> None:
        self.study = study

    @cached_property
    def items(self) -> list[Item]:
        rows = self.study.images.order_by("code").values_list(
            "pk", "code", "role", "block", "image__origin", "image__modality", "image__label", "beside"
        )
        heads: list[Item] = []
        members: dict[int, list[str]] = {}  # origins of each set's images, by code
        for pk, code, role, block, origin, modality, label, head in rows.iterator(chunk_size=2000):
            members.setdefault(head or pk, []).append(origin)
            if head is None:
                heads.append(Item(pk, code, role, block, origin, (modality, origin, label)))
        if self.study.is_arena:
            met = competitors_of_sets(self.study)
            return [_as_pair(item, met[item.pk]) for item in heads]
        return [self._as_set(item, members[item.pk]) for item in heads] if self.study.shows_sets else heads

    def _as_set(self, item: Item, origins: list[str]) -> Item:
        """All sets are of one kind, so that only their modality is spread evenly."""
        sought = Origin.REAL if self.study.sought == Study.Sought.REAL else Origin.SYNTHETIC
        first = LETTERS[origins.index(sought)]
        letters = first + LETTERS[: len(origins)].replace(first, "")
        return replace(item, origin="", stratum=(item.stratum[0], "", ""), letters=letters)

    @cached_property
    def practice(self) -> list[OrderLine]:
        """The same for every rater, so that nobody is trained better than another."""
        items = [item for item in self.items if item.role == Role.PRACTICE]
        seed = ordering.seed_for(self.study.seed, 0, PRACTICE_SESSION)
        return [replace(line, kind=Kind.PRACTICE.value) for line in self._ordered(items, seed)]

    def make_sittings(self, enrolment: Enrolment) -> None:
        """All of a rater's sessions, each in an order of its own."""
        for session in range(1, self.study.sessions + 1):
            self.make_sitting(enrolment, session)

    @transaction.atomic
    def make_sitting(self, enrolment: Enrolment, session: int = 1, *, attempt: int = 1) -> Sitting:
        """A sitting with its stored order; the same study seed gives the same order again."""
        seed = ordering.seed_for(self.study.seed, enrolment.number, session, attempt)
        order = self._order(seed, session, enrolment.slot)
        practice = sum(line.kind == Kind.PRACTICE for line in order)
        sitting: Sitting = enrolment.sittings.create(
            session=session,
            attempt=attempt,
            seed=seed,
            order_version=ordering.VERSION,
            presentation_count=len(order),
            practice_count=practice,
        )
        _copy(
            (sitting.pk, position, line.item.pk, line.kind, line.places, random_token())
            for position, line in enumerate(order, start=1)
        )
        sitting.order_sha256 = order_sha256(
            (at, presentation.item.code, presentation.kind, presentation.places)
            for at, presentation in enumerate(order, 1)
        )
        sitting.save(update_fields=["order_sha256"])
        return sitting

    def of_first_raters(self, raters: int) -> Iterator[list[OrderLine]]:
        """The orders that the first raters of a study will get; they are known before anybody is enrolled."""
        for number in range(1, raters + 1):
            for session in range(1, self.study.sessions + 1):
                yield self._order(ordering.seed_for(self.study.seed, number, session), session, number)

    def _order(self, seed: int, session: int, slot: int) -> list[OrderLine]:
        # Practice tells afterwards what an image was, so it waits until raters know what is asked.
        practice = [] if self.study.is_blinded_to_purpose(session) else self.practice
        own_block = (slot - 1) % self.study.blocks + 1
        items = [i for i in self.items if i.role != Role.PRACTICE and i.block in {0, own_block}]
        body = self._ordered(items, seed, repeats=self.study.repeats, gap=self.study.repeat_gap)
        return [*practice, *body]

    def _ordered(self, items: list[Item], seed: int, **repeats: int) -> Iterator[OrderLine]:
        """The items in an order of this seed. What must not run long is the origin, or the right answer of sets."""
        classes: list[Hashable] = [item.origin for item in items]
        letters_shown = [""] * len(items)
        if self.study.shows_sets:
            orders = self._arrangements(items, seed)
            letters_shown = [
                "".join(item.letters[member] for member in order)
                for item, order in zip(items, orders, strict=True)
            ]
            classes = [order.index(0) for order in orders]
        order = ordering.make_order(
            classes,
            seed,
            strata=[item.stratum for item in items],
            # A set comes back mirrored, so that who remembers the place does not pass for steady.
            again=[self.study.set_size - 1 - int(str(place)) for place in classes]
            if self.study.shows_sets
            else None,
            **repeats,
        )
        for showing in order:
            item, places = items[showing.item], letters_shown[showing.item]
            if showing.is_repeat:
                yield OrderLine(item, Kind.REPEAT.value, places[::-1])
            else:
                yield OrderLine(item, item.role, places)

    def _arrangements(self, items: list[Item], seed: int) -> list[list[int]]:
        """Where the images of each set stand; of an arena each side equally often for every two generators by themselves."""
        if not self.study.is_arena:
            return ordering.placements(len(items), self.study.set_size, seed)
        met: dict[Hashable, list[int]] = {}
        for place, item in enumerate(items):
            met.setdefault(item.stratum, []).append(place)
        orders: list[list[int]] = [[]] * len(items)
        for number, stratum in enumerate(sorted(met, key=str)):
            arrangements = ordering.placements(len(met[stratum]), self.study.set_size, seed + number)
            for place, order in zip(met[stratum], arrangements, strict=True):
                orders[place] = order
        return orders


def _as_pair(item: Item, names: list[str]) -> Item:
    """What is spread evenly are the two that meet; the one first by name stands for where the pair is."""
    letters = LETTERS[: len(names)] if names == sorted(names) else LETTERS[: len(names)][::-1]
    return replace(item, origin="", stratum=(item.stratum[0], *sorted(names)), letters=letters)


def _copy(rows: Iterator[tuple[int, int, int, str, str, str]]) -> None:
    """Presentations by PostgreSQL's COPY: a hundred raters times ten thousand images in seconds."""
    into = f"COPY rating_presentation ({', '.join(COLUMNS)}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(into) as copy:
        for row in rows:
            copy.write_row(row)


def order_sha256(rows: Iterable[tuple[int, str, str, str]]) -> str:
    """One digest for an order, of each showing's position, image, kind and places; the export can be checked against it."""
    lines = "".join(",".join(filter(None, (str(row[0]), *row[1:]))) + "\n" for row in rows)
    return hashlib.sha256(lines.encode()).hexdigest()
