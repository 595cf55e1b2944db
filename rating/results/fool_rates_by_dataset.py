"""The fool rates of unblinded studies, by dataset and by checkpoint, for the pages where machines' measures stand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np
from django.urls import reverse

from pool.fool_rates_by_dataset import FoolRate, of_checkpoint, of_dataset
from pool.models import Origin
from rating.results.cache import ResultCache
from rating.statistics.accuracy.fool_rate import fool_rate
from rating.statistics.columns import StudyColumns
from rating.statistics.ratings_table import LABELS
from rating.studies.study import Study


def fool_rates() -> dict[str, list[FoolRate]]:
    """What raters made of each dataset and checkpoint, study by study; of people only, never of rehearsals."""
    rates: dict[str, list[FoolRate]] = defaultdict(list)
    for study in Study.objects.filter(state=Study.State.UNBLINDED, is_simulated=False).order_by(
        "unblinded_at"
    ):
        if study.shows_sets:
            continue  # in a forced choice no image is called anything
        for key, row in _of_study(study).items():
            interval = None if row["ci"] is None else (row["ci"][0], row["ci"][1])
            rates[key].append(
                FoolRate(
                    study.name,
                    reverse("rating:analysis_question", args=[study.slug, "generators"]),
                    row["raters"],
                    row["images"],
                    row["rate"],
                    interval,
                )
            )
    return rates


def _of_study(study: Study) -> dict[str, Any]:
    cache = ResultCache(study)

    def make() -> dict[str, Any]:
        columns = cache.columns()
        groups = _groups(study)
        return {key: row for key, codes in groups.items() if (row := _rate(columns, codes)) is not None}

    return cache.json("fool rates by dataset and checkpoint", make)


def _groups(study: Study) -> dict[str, set[str]]:
    """The codes of the study's fakes by the dataset, and by the checkpoint, that they are of."""
    groups: dict[str, set[str]] = defaultdict(set)
    fakes = study.images.filter(image__origin=Origin.SYNTHETIC)
    for code, dataset, provenance in fakes.values_list("code", "image__dataset", "image__provenance"):
        groups[of_dataset(dataset)].add(code)
        if sha256 := provenance.get("checkpoint_sha256"):
            groups[of_checkpoint(str(sha256))].add(code)
    return groups


def _rate(columns: StudyColumns, codes: Iterable[str]) -> dict[str, Any] | None:
    in_group = np.isin(np.array(columns.images, dtype=np.str_), list(codes))
    codes_called = columns.table().codes[:, in_group]
    is_rated = codes_called >= 0
    if not is_rated.any():
        return None
    rate = fool_rate(codes_called == LABELS.index("real"), is_rated).estimate
    return {
        "raters": int(is_rated.any(axis=1).sum()),
        "images": int(is_rated.any(axis=0).sum()),
        "rate": rate.estimate,
        "ci": rate.ci,
    }
