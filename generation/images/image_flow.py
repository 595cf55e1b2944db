"""What generation has to say of how a dataset was filled: counts of its jobs' images, and nothing else of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.db.models import Count, QuerySet, Sum

from generation.images.models import GenerationJob
from generation.images.outcomes import EarlierOutcome, GeneratedImage
from pool.models import Dataset
from pool.registers.image_flow import Flow, register


def generated(dataset: Dataset) -> Flow:
    """The images asked of engines for this dataset, and how many were refused, failed …

    One that was tried again was asked for again: each try counts, so that all of them add up.
    """
    jobs = GenerationJob.objects.filter(dataset=dataset)
    earlier = _by_outcome(EarlierOutcome.objects.filter(job__in=jobs))
    last = _by_outcome(GeneratedImage.objects.filter(job__in=jobs))
    total: int = jobs.aggregate(n=Sum("total"))["n"] or 0
    n = earlier + last
    return Flow(
        total + earlier.total(),
        failed=n["failed"],
        refused=n["refused"],
        filtered=n["filtered"],
        duplicates=n["duplicate"],
        never_tried=total - last.total(),
    )


def _by_outcome(outcomes: QuerySet[Any]) -> Counter[str]:
    return Counter(dict(outcomes.order_by().values_list("outcome").annotate(Count("pk"))))


register(generated)
