"""A few images of what the lines of a list are of."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet

from pool.models import Dataset, Image

LENGTH = 5


def strips(datasets: Iterable[Any], person: Any) -> dict[Any, list[uuid.UUID]]:
    """The keys of up to five images of each dataset that this person may see, in one query.

    They come in the order of their pixels' digests: by an index, whatever the size, and telling nothing.
    """
    visible = Dataset.objects.visible_to(person).filter(pk__in=set(datasets))
    first = strip_of(Image.objects.usable().order_by("pixel_sha256"), "dataset")
    return dict(visible.order_by().annotate(strip=first).values_list("pk", "strip"))


def strip_of(rows: QuerySet[Any], by: str, *, key: str = "pk", outer: str = "pk") -> ArraySubquery:
    """The keys of the first of these rows' images that refer to the outer query's row by this field.

    A look of its own for each row that is shown, as in `pool.counting`; the order is that of `rows`, which an index
    should give: without one, all rows of an import would be sorted for the sake of a few.
    """
    own = rows.filter(**{by: OuterRef(outer)}).values(key)
    return ArraySubquery(own[:LENGTH])
