"""Taking texts away for good: each chain stays whole, and an event in it says what was taken, by whom and why."""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from audit.actors import actor_of
from audit.models import REDACTED, Event, EventQuerySet
from audit.verification import seal


@transaction.atomic
def redact(events: EventQuerySet, field: str, *, by: Any, reason: str) -> int:
    """Empty this text (“identity” or “reason”) of these events; how many had one."""
    seal()
    rows: dict[str, list[int]] = defaultdict(list)
    for chain, number in events.exclude(**{field: ""}).values_list("chain", "number"):
        rows[chain].append(number or 0)
    who = actor_of(by)
    for chain, numbers in rows.items():
        Event.objects.create(
            chain=chain,
            subject_kind="log",
            action=REDACTED,
            actor_kind=who.kind,
            actor=who.uuid,
            identity=who.identity,
            reason=reason,
            detail={"field": field, "numbers": numbers},
        )
        Event.objects.filter(chain=chain, number__in=numbers).update(**{field: "", f"{field}_nonce": ""})
    return sum(map(len, rows.values()))


def erase_identity(uuid: UUID, *, by: Any, reason: str, addresses: tuple[str, ...] = ()) -> int:
    """Take a person's name and addresses out of the log: where they acted, and where somebody typed their address."""
    acted = Q(actor=uuid) | Q(actor_kind="stranger", subject_key=str(uuid))
    for address in addresses:
        acted |= Q(identity__icontains=address)
    return redact(Event.objects.filter(acted), "identity", by=by, reason=reason)
