"""The fool rates of unblinded studies, by dataset and by checkpoint, for the pages where machines' measures stand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from django.urls import reverse

from pool.fool_rates_by_dataset import FoolRate, of_checkpoint, of_dataset
from pool.models import Origin
from rating.results.cache import ResultCache
from rating.statistics.accuracy.fool_rate import fool_rate
from rating.statistics.columns import StudyColumns
from rating.statistics.estimate import Estimate
from rating.statistics.ratings_table import LABELS
from rating.studies.study import Study


def fool_rates() -> dict[str, list[FoolRate]]:
    """How often raters were fooled by each dataset and checkpoint, study by study; of people only, never of rehearsals."""
    by_key: dict[str, list[FoolRate]] = defaultdict(list)
    for study in Study.objects.filter(state=Study.State.UNBLINDED, is_simulated=False).order_by(
        "unblinded_at"
    ):
        if study.shows_sets:
            continue  # in a forced choice no image is called anything
        for key, row in _of_study(study).items():
            by_key[key].append(
                FoolRate(
                    study.name,
                    reverse("rating:analysis_question", args=[study.slug, "generators"]),
                    row.raters,
                    row.images,
                    row.rate.estimate,
                    row.rate.ci,
                )
            )
    return by_key


@dataclass(frozen=True, slots=True)
class RateOfFakes:
    """The fool rate of some fakes of a study, with how many raters and images it is of."""

    raters: int
    images: int
    rate: Estimate


def _of_study(study: Study) -> dict[str, RateOfFakes]:
    cache = ResultCache(study)

    def make() -> dict[str, RateOfFakes]:
        columns = cache.columns()
        groups = _groups(study)
        return {key: row for key, codes in groups.items() if (row := _rate(columns, codes)) is not None}

    return cache.typed("fool rates by dataset and checkpoint", dict[str, RateOfFakes], make)


def _groups(study: Study) -> dict[str, set[str]]:
    """The codes of the study's fakes by the dataset, and by the checkpoint, that they are of."""
    groups: dict[str, set[str]] = defaultdict(set)
    fakes = study.images.filter(image__origin=Origin.SYNTHETIC)
    for code, dataset, provenance in fakes.values_list("code", "image__dataset", "image__provenance"):
        groups[of_dataset(dataset)].add(code)
        if sha256 := provenance.get("checkpoint_sha256"):
            groups[of_checkpoint(str(sha256))].add(code)
    return groups


def _rate(columns: StudyColumns, codes: Iterable[str]) -> RateOfFakes | None:
    of_group = np.isin(np.array(columns.images, dtype=np.str_), list(codes))
    labels = columns.table().codes[:, of_group]
    rated = labels >= 0
    if not rated.any():
        return None
    rate = fool_rate(labels == LABELS.index("real"), rated).estimate
    return RateOfFakes(int(rated.any(axis=1).sum()), int(rated.any(axis=0).sum()), rate)
