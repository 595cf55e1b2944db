"""What made an image, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rating.studies.sampling.strata import Stratum
    from rating.studies.study import Study

REAL_IMAGES = "real images"  # what they are called among generators


def generator_of(provenance: Mapping[str, object], dataset: str) -> str:
    """What made a fake: its model, else its engine, else the dataset it came in."""
    return str(provenance.get("model") or provenance.get("engine") or dataset)


def competitor(origin: str, provenance: Mapping[str, object], dataset: str) -> str:
    """What an image stands for in an arena: its generator, or the real images."""
    return REAL_IMAGES if origin == "real" else generator_of(provenance, dataset)


def competitors_in(stratum: Stratum) -> set[str]:
    """Whose images it can draw, in one query however many there are."""
    kinds = stratum.candidates().order_by().values_list("provenance__model", "provenance__engine").distinct()
    dataset = stratum.dataset
    return {
        competitor(dataset.origin, {"model": model, "engine": engine}, dataset.name)
        for model, engine in kinds
    }


def competitors_of_sets(study: Study) -> dict[int, list[str]]:
    """By the key of the image that a set goes by: what its images stand for, by code."""
    return _competitors(study, "pk", "beside")


def competitors_by_code(study: Study) -> dict[str, list[str]]:
    """The same by the code that a set goes by."""
    return _competitors(study, "code", "beside__code")


def generators_in_words(study: Study) -> dict[str, str]:
    """By the code of a pair of an arena: what made its images, by letter; nothing while that is not told."""
    if not (study.is_arena and study.is_unblinded):
        return {}
    return {
        code: ", ".join(f"{letter}: {name}" for letter, name in zip("ab", names, strict=False))
        for code, names in competitors_by_code(study).items()
    }


def _competitors(study: Study, own: str, of_first: str) -> dict[Any, list[str]]:
    sets: dict[Any, list[str]] = {}
    rows = study.images.order_by("code").values_list(
        own,
        of_first,
        "image__origin",
        "image__provenance__model",
        "image__provenance__engine",
        "image__dataset__name",
    )
    for key, head, origin, model, engine, dataset in rows.iterator(chunk_size=2000):
        name = competitor(origin, {"model": model, "engine": engine}, dataset)
        sets.setdefault(head or key, []).append(name)
    return sets
