"""What generation has to say of how a dataset was filled: counts of its jobs' images, and nothing else of them."""

from __future__ import annotations

from django.db.models import Count, Sum

from generation.models import GeneratedImage, GenerationJob
from pool.flow import Flow
from pool.models import Dataset


def generated(dataset: Dataset) -> Flow:
    """The images asked of engines for this dataset, and how many were refused, failed …"""
    jobs = GenerationJob.objects.filter(dataset=dataset)
    asked: int = jobs.aggregate(n=Sum("total"))["n"] or 0
    outcomes = GeneratedImage.objects.filter(job__in=jobs).order_by().values_list("outcome")
    n = dict(outcomes.annotate(Count("pk")))
    return Flow(
        asked,
        failed=n.get("failed", 0),
        refused=n.get("refused", 0),
        filtered=n.get("filtered", 0),
        duplicates=n.get("duplicate", 0),
        never_tried=asked - sum(n.values()),
    )
