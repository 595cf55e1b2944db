"""Reading a chain again from its first row: every number, hash and text, and what an anchor remembers of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import connection, models
from django.db.models.functions import Cast

from audit.anchors import Anchor
from audit.chain import link, moment, text_sha256
from audit.models import REDACTED, SITE_CHAIN, Event

AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """One thing that is not as it was written: where, and what, in a sentence."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def seal() -> None:
    """Number and chain what this transaction has added so far; else that happens at its commit."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SET CONSTRAINTS audit_event_sealed IMMEDIATE; SET CONSTRAINTS audit_event_sealed DEFERRED"
        )


def chains() -> list[str]:
    """The names of all chains, the site's first."""
    names = Event.objects.order_by().values_list("chain", flat=True).distinct()
    return sorted({SITE_CHAIN, *names}, key=lambda name: (name != SITE_CHAIN, name))


def head(chain: str) -> Anchor | None:
    """The last row of a chain, by which everything before it can be checked; None of an empty chain."""
    seal()
    last = Event.objects.filter(chain=chain, number__isnull=False).order_by("-number").first()
    return Anchor(chain, last.number or 0, last.sha256) if last else None


def verify_chain(chain: str, anchors: Sequence[Anchor] = ()) -> Iterator[Discrepancy]:
    """What in this chain differs from what was written, in order; nothing when it is whole."""
    seal()
    before, place = "", 0
    redacted = _redacted(chain)
    at_number = {anchor.number: anchor for anchor in anchors if anchor.chain == chain}
    rows = Event.objects.filter(chain=chain).annotate(detail_text=Cast("detail", models.TextField()))
    for event in rows.order_by("number", "pk").iterator(chunk_size=AT_ONCE):
        if event.number is None:
            yield Discrepancy(chain, f"row {event.pk} was added past the chain.")
            continue
        where = f"{chain} {event.number}"
        place += 1
        if event.number != place:
            yield Discrepancy(chain, f"{_numbers(place, event.number - 1)} missing.")
            place = event.number
        if event.sha256 != _sha256(event, before):
            yield Discrepancy(
                where, f"“{event.action}” is not as it was written, or stands in another's place."
            )
        yield from _texts(event, where, redacted)
        anchor = at_number.pop(event.number, None)
        if anchor is not None and anchor.sha256 != event.sha256:
            yield Discrepancy(where, "this is not the row that the anchor was taken of.")
        before = event.sha256
    for number in sorted(at_number):
        yield Discrepancy(chain, f"it ends at {place}, but the anchor was taken of row {number}.")


def _sha256(event: Event, before: str) -> str:
    return link(
        [
            "event 1",
            before,
            event.chain,
            event.number,
            moment(event.at),
            event.subject_kind,
            event.subject_key,
            event.action,
            event.actor_kind,
            None if event.actor is None else str(event.actor),
            event.identity_sha256,
            event.reason_sha256,
            event.detail_text,  # type: ignore[attr-defined]  # annotated, as the database writes it
        ]
    )


def _texts(event: Event, where: str, redacted: dict[str, set[int]]) -> Iterator[Discrepancy]:
    for field in ("identity", "reason"):
        text, nonce, digest = (getattr(event, name) for name in (field, f"{field}_nonce", f"{field}_sha256"))
        if text and text_sha256(nonce, text) != digest:
            yield Discrepancy(where, f"the {field} of “{event.action}” is not as it was written.")
        if digest and not text and event.number not in redacted[field]:
            yield Discrepancy(where, f"the {field} of “{event.action}” is gone, and no redaction says so.")


def _redacted(chain: str) -> dict[str, set[int]]:
    """By field: the rows of which an event of the same chain says that its text was taken away."""
    rows: dict[str, set[int]] = defaultdict(set)
    for detail in Event.objects.filter(chain=chain, action=REDACTED).values_list("detail", flat=True):
        rows[detail.get("field", "")].update(detail.get("numbers", []))
    return rows


def _numbers(first: int, last: int) -> str:
    return f"row {first} is" if first == last else f"rows {first} to {last} are"
