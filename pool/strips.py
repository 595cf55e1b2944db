"""A few images of each dataset, so that a list shows what its lines are of."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef

from pool.models import Dataset, Image

LENGTH = 5


def strips(datasets: Iterable[Any], person: Any) -> dict[Any, list[uuid.UUID]]:
    """The keys of up to five images of each dataset that this person may see, in one query.

    They come in the order of their pixels' digests: by an index, whatever the size, and telling nothing.
    """
    first = (
        Image.objects.usable().filter(dataset=OuterRef("pk")).order_by("pixel_sha256").values("pk")[:LENGTH]
    )
    visible = Dataset.objects.visible_to(person).filter(pk__in=set(datasets))
    return dict(visible.order_by().annotate(strip=ArraySubquery(first)).values_list("pk", "strip"))
