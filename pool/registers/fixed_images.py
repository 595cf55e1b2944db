"""Images whose facts may not change any more, since something frozen rests on them.

Whoever freezes images registers at start; the pool asks without knowing what a study is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from pool.models import Image

FixedRows = Callable[[], "QuerySet[Any]"]
_fixed: list[FixedRows] = []


def register(rows: FixedRows) -> None:
    """Let what `rows` gives hold images as they are: rows with a field `image`."""
    if rows not in _fixed:
        _fixed.append(rows)


def is_fixed() -> Q:
    """For a filter of images: that something holds their facts as they are."""
    condition = Q(pk__in=Image.objects.none())
    for rows in _fixed:
        condition |= Q(Exists(rows().filter(image=OuterRef("pk"))))
    return condition
