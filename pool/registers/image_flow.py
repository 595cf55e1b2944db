"""How a dataset came to hold what it holds: images asked for, and what became of those that are not in it.

Whoever fills the pool registers a count of its own at start, so that those who judge images can tell the full
denominator without knowing, or being able to name, what fills it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, dataclass

from django.db.models import Count, Q, Sum

from pool.models import Dataset, FileOutcome, ImportJob


@dataclass(frozen=True, slots=True)
class Flow:
    """Numbers of images: `requested` in all, and of these the ones that never came into the dataset, by why."""

    requested: int = 0
    failed: int = 0
    refused: int = 0
    filtered: int = 0
    duplicates: int = 0
    never_tried: int = 0

    def __add__(self, other: Flow) -> Flow:
        return Flow(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


FlowCount = Callable[[Dataset], Flow]
_counts: list[FlowCount] = []


def register(count: FlowCount) -> None:
    """Let `count` have its say in every dataset's flow."""
    if count not in _counts:
        _counts.append(count)


def flow_of(dataset: Dataset) -> Flow:
    """What was asked for and did not come, over imports and whatever else fills the pool."""
    return sum((count(dataset) for count in _counts), _imported(dataset))


def _imported(dataset: Dataset) -> Flow:
    imported = ImportJob.objects.filter(dataset=dataset).aggregate(n=Sum("imported", default=0))["n"]
    outside = FileOutcome.objects.filter(job__dataset=dataset).aggregate(
        refused=Count("pk", filter=Q(kind=FileOutcome.Kind.REFUSED)),
        duplicates=Count("pk", filter=Q(kind=FileOutcome.Kind.DUPLICATE)),
    )
    return Flow(imported + outside["refused"] + outside["duplicates"], **outside)
