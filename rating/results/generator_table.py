"""What made the fakes of a study, as their own record says it: model, version, prompt, parameters, seeds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from pool.models import Origin
from rating.results.exhibit import Cell, Table
from rating.results.query import checkpoint_of
from rating.studies.study import Study

MOST_PROMPTS = 10
# Given in columns of their own, or of one image only.
IN_COLUMNS = {"engine", "model", "prompt", "seed", "index", "job", "fid", "kid", "fid_extractor"}
OF_ONE_IMAGE = {"revised_prompt", "request_id", "created", "edit_of", "edit_of_sha256"}


def generator_table(study: Study) -> Table | None:
    """One row per generator or checkpoint of an unblinded study; None where there is nothing to tell."""
    if not study.is_unblinded:
        return None
    records: dict[str, list[Mapping[str, object]]] = defaultdict(list)
    fakes = study.images.filter(image__origin=Origin.SYNTHETIC).order_by("code")
    for provenance, dataset in fakes.values_list("image__provenance", "image__dataset__name"):
        records[checkpoint_of(provenance, dataset)].append(provenance)
    if not records:
        return None
    rows = [[name, len(images), *_cells(images)] for name, images in sorted(records.items())]
    head = ("Generator", "Images", "Engine", "Prompts", "Parameters", "Seeds", "Jobs")
    note = "As recorded with each image when it was made or imported; a dash: not recorded."
    return Table(head, rows, [note])


def _cells(images: list[Mapping[str, object]]) -> list[Cell]:
    prompts = _each("prompt", images)
    more = f"; and {len(prompts) - MOST_PROMPTS} more" if len(prompts) > MOST_PROMPTS else ""
    names = sorted({name for record in images for name in record} - IN_COLUMNS - OF_ONE_IMAGE)
    parameters = [f"{name.replace('_', ' ')} {', '.join(_each(name, images))}" for name in names]
    seeds = _each("seed", images)
    return [
        ", ".join(_each("engine", images)) or None,
        "; ".join(f"“{prompt}”" for prompt in prompts[:MOST_PROMPTS]) + more or None,
        "; ".join(parameters) or None,
        (seeds[0] if len(seeds) == 1 else f"{len(seeds)} different") if seeds else None,
        ", ".join(_each("job", images)) or None,
    ]


def _each(name: str, images: list[Mapping[str, object]]) -> list[str]:
    """Every value of this name, once, in the order they come; each of a list by itself."""
    values = (record.get(name) for record in images)
    parts = (part for value in values for part in (value if isinstance(value, list) else [value]))
    return list(dict.fromkeys(str(part) for part in parts if part not in {None, ""}))
