"""A study's protocol as a file, by which another centre makes the same study of its own images.

It is the body that creates a study by program: the fields of the study's form, and the images asked for by dataset and finding.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NotRequired, TypedDict

from rating.studies.forms import Row, StrataForm, StudyForm
from rating.studies.sampling.strata import Role
from rating.studies.study import NotPossibleError, Study


class StratumJSON(TypedDict):
    """Images asked for: of a dataset by its name or number, of one finding or of any."""

    dataset: str | int
    label: NotRequired[str]
    role: NotRequired[str]
    count: int


def protocol_of(study: Study) -> dict[str, object]:
    """The file's content: JSON's types alone, and nothing of what has come of the study."""
    form = StudyForm(instance=study)
    strata = study.strata.select_related("dataset").order_by("pk")
    return {
        **{name: getattr(study, name) for name in form.fields},
        "strata": [
            {"dataset": each.dataset.name, "label": each.label, "role": str(each.role), "count": each.count}
            for each in strata
        ],
    }


def read_protocol(text: str) -> tuple[dict[str, object], list[tuple[str, Role]]]:
    """The fields of the file, and its strata as DATASET[FINDING]=COUNT with their role. Raises ValueError."""
    content = json.loads(text)
    if not isinstance(content, dict) or not isinstance(content.get("strata"), list):
        raise ValueError("it lacks the list “strata”.")
    names = set(StudyForm.base_fields)
    if foreign := sorted(set(content) - names - {"strata"}):
        raise ValueError(f"a study has no “{foreign[0]}”.")
    try:
        strata = [(_asked(each), Role(each.get("role") or Role.MAIN)) for each in content["strata"]]
    except (KeyError, AttributeError) as error:
        raise ValueError("each stratum names a dataset and a count.") from error
    return {name: value for name, value in content.items() if name in names}, strata


def _asked(stratum: StratumJSON) -> str:
    finding = f"[{stratum['label']}]" if stratum.get("label") else ""
    return f"{stratum['dataset']}{finding}={stratum['count']}"


def strata_values(form: StrataForm, strata: Sequence[StratumJSON]) -> dict[str, int]:
    """These strata as the values of the form's fields. Raises NotPossibleError for what is not there or stands twice."""
    values: dict[str, int] = {}
    for stratum in strata:
        name = _row(form, stratum).names[str(stratum.get("role") or Role.MAIN)]
        if name in values:
            raise NotPossibleError(
                f"{_words(stratum)} is asked for twice; name each dataset and finding once."
            )
        values[name] = stratum["count"]
    return values


def _row(form: StrataForm, stratum: StratumJSON) -> Row:
    """A dataset by its name or number. A finding that all of its images have is the dataset as a whole."""
    dataset, label = stratum["dataset"], str(stratum.get("label") or "")
    rows = [row for row in form.strata if dataset in {row.dataset.name, row.dataset.pk}]
    if not rows:
        raise NotPossibleError(f"There is no dataset “{dataset}” with images that you may use.")
    for row in rows:
        if row.label == label:
            return row
    raise NotPossibleError(f"{_words(stratum)}: no image of this dataset has that finding alone.")


def _words(stratum: StratumJSON) -> str:
    label = stratum.get("label")
    return f"“{stratum['dataset']}”" + (f" with the finding “{label}”" if label else "")
