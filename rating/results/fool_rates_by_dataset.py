"""The fool rates of unblinded studies, by dataset and by checkpoint, for the pages where machines' measures stand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np
from django.urls import reverse

from pool.fool_rates_by_dataset import Judged, of_checkpoint, of_dataset
from pool.models import Origin
from rating.results.cache import Kept
from rating.statistics.accuracy.fool_rate import fool_rate
from rating.statistics.columns import StudyColumns
from rating.statistics.ratings_table import LABELS
from rating.studies.study import Study


def fool_rates() -> dict[str, list[Judged]]:
    """What raters made of each dataset and checkpoint, study by study; of people only, never of rehearsals."""
    found: dict[str, list[Judged]] = defaultdict(list)
    for study in Study.objects.filter(state=Study.State.UNBLINDED, is_simulated=False).order_by(
        "unblinded_at"
    ):
        if study.shows_sets:
            continue  # in a forced choice no image is called anything
        for key, row in _of_study(study).items():
            interval = None if row["ci"] is None else (row["ci"][0], row["ci"][1])
            found[key].append(
                Judged(
                    study.name,
                    reverse("rating:analysis_question", args=[study.slug, "generators"]),
                    row["raters"],
                    row["images"],
                    row["rate"],
                    interval,
                )
            )
    return found


def _of_study(study: Study) -> dict[str, Any]:
    kept = Kept(study)

    def make() -> dict[str, Any]:
        columns = kept.columns()
        groups = _groups(study)
        return {key: row for key, codes in groups.items() if (row := _rate(columns, codes)) is not None}

    return kept.json("fool rates by dataset and checkpoint", make)


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
    wanted = np.isin(np.array(columns.images, dtype=np.str_), list(codes))
    called = columns.table().codes[:, wanted]
    seen = called >= 0
    if not seen.any():
        return None
    found = fool_rate(called == LABELS.index("real"), seen).estimate
    return {
        "raters": int(seen.any(axis=1).sum()),
        "images": int(seen.any(axis=0).sum()),
        "rate": found.estimate,
        "ci": found.ci,
    }
