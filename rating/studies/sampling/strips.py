"""A few images of each study's datasets, so that lists of studies show what they are about."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from pool.strips import LENGTH, strips
from rating.studies.sampling.strata import Stratum
from rating.studies.study import Study


def strips_of_studies(studies: Sequence[Study], person: Any) -> dict[int, list[uuid.UUID]]:
    """Up to five images of the datasets behind each study, real and generated mixed, in two queries.

    Of a dataset behind a study that this person reads in they are shown nothing here, whichever study is listed.
    """
    of_readings = Stratum.objects.filter(study__enrolments__user=person.pk).order_by().values("dataset")
    strata = Stratum.objects.filter(study__in=studies).exclude(dataset__in=of_readings)
    pairs = list(strata.order_by().values_list("study", "dataset").distinct())
    of_dataset = strips((dataset for _, dataset in pairs), person)
    images: defaultdict[int, list[uuid.UUID]] = defaultdict(list)
    for study, dataset in pairs:
        images[study] += of_dataset.get(dataset, [])
    return {study: sorted(keys)[:LENGTH] for study, keys in images.items()}
