"""The fool rates of unblinded studies, by dataset and by checkpoint, for the pages where machines' measures stand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import Exists, OuterRef
from django.urls import reverse

from pool.models import Origin
from pool.registers.fool_rates_by_dataset import FoolRate, of_checkpoint, of_dataset
from rating.results.cache import ResultCache, states_of
from rating.results.computation.analysis import Analysis
from rating.results.computation.queue import queued_analysis, rating_counts
from rating.results.parts import Part
from rating.statistics.accuracy.fool_rate import fool_rate
from rating.statistics.columns import StudyColumns
from rating.statistics.estimate import Estimate
from rating.statistics.ratings_table import LABELS
from rating.studies.sampling.strata import Stratum
from rating.studies.study import Study

RATES = "fool rates by dataset and checkpoint"
# Ratings that a list counts by itself: fewer than the page of one study, as their studies are read one by one.
MOST_AT_ONCE = 3_000


def fool_rates(datasets: Collection[int] | None = None) -> dict[str, list[FoolRate]]:
    """How often raters were fooled by each dataset and checkpoint, study by study; of people only, never of rehearsals.

    In studies that drew from these datasets, or in all.
    """
    by_key: dict[str, list[FoolRate]] = defaultdict(list)
    unblinded = Study.objects.filter(state=Study.State.UNBLINDED, is_simulated=False)
    if datasets is not None:
        drawn = Stratum.objects.filter(study=OuterRef("pk"), dataset__in=datasets)
        unblinded = unblinded.filter(Exists(drawn))
    # In a forced choice no image is called anything.
    studies = [study for study in unblinded.order_by("unblinded_at") if not study.shows_sets]
    for study, cache in _computed(studies):
        for key, row in rates_of_study(study, cache).items():
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


def _computed(studies: Sequence[Study]) -> Iterator[tuple[Study, ResultCache]]:
    """Those whose rates are there, or are computed at once; what is too much for a page is left to jobs."""
    states = states_of(studies)
    caches = {study: ResultCache(study, states[study.pk]) for study in studies}
    counts = rating_counts([study for study, cache in caches.items() if not cache.has(RATES)])
    left = MOST_AT_ONCE
    for study, cache in caches.items():
        if not cache.has(RATES) and not cache.has(Part().numbers):
            left -= counts.get(study.pk, 0)
            if left < 0 and queued_analysis(study, Part(), cache).state != Analysis.State.SUCCEEDED:
                continue
        yield study, cache


@dataclass(frozen=True, slots=True)
class RateOfFakes:
    """The fool rate of some fakes of a study, with how many raters and images it is of."""

    raters: int
    images: int
    rate: Estimate


def rates_of_study(study: Study, cache: ResultCache) -> dict[str, RateOfFakes]:
    """The rate of each dataset and checkpoint that the study has fakes of."""

    def make() -> dict[str, RateOfFakes]:
        columns = cache.columns()
        groups = _groups(study)
        return {key: row for key, codes in groups.items() if (row := _rate(columns, codes)) is not None}

    return cache.typed(RATES, dict[str, RateOfFakes], make)


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
