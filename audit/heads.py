"""The heads of all other chains in the site's chain, whose own head then stands for the whole log."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import transaction

from audit import record
from audit.anchors import Anchor
from audit.models import SITE_CHAIN, Event
from audit.verification import Discrepancy, chains, head, seal

ENTERED = "entered heads of chains"  # as the log names it


@transaction.atomic
def enter() -> Anchor:
    """Enter the heads that have moved since the last time; the anchor that the site's chain now is."""
    entered = _entered()
    seal()
    moved = {}
    for chain in chains():
        last = head(chain)
        if chain != SITE_CHAIN and last and last.number > max(entered.get(chain, {0: ""})):
            moved[chain] = [last.number, last.sha256]
    if moved or head(SITE_CHAIN) is None:
        record(None, None, ENTERED, heads=moved)
    anchor = head(SITE_CHAIN)
    assert anchor is not None  # noqa: S101  (entered above at the latest)
    return anchor


def verify_entered(only: str = "") -> Iterator[Discrepancy]:
    """Every head that the site's chain has of others (or of one), against their rows."""
    for chain, numbers in _entered().items():
        if only and chain != only:
            continue
        rows = dict(Event.objects.filter(chain=chain, number__in=numbers).values_list("number", "sha256"))
        for number, sha256 in sorted(numbers.items()):
            if rows.get(number) != sha256:
                yield Discrepancy(
                    f"{chain} {number}", "the site's log has another hash of it, or it is gone."
                )


def _entered() -> dict[str, dict[int, str]]:
    """By chain: the hashes of its heads, by number."""
    heads: dict[str, dict[int, str]] = {}
    events = Event.objects.filter(chain=SITE_CHAIN, action=ENTERED)
    for detail in events.values_list("detail", flat=True):
        for chain, (number, sha256) in detail.get("heads", {}).items():
            heads.setdefault(chain, {})[number] = sha256
    return heads
