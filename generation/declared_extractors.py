"""The extractors that a report or a run may be measured by: the site's own, those declared in the home's folder, and FRD.

A researcher names one of them; a path never comes from a page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

from generation.metrics.feature_extractor import ExtractorError
from generation.metrics.published.networks import weights_file
from generation.metrics.published.recipe import read_recipe
from generation.metrics.radiomics.frd import NAME as FRD_NAME

SITE, FRD = "site", "frd"
SUFFIX = ".toml"


def folder() -> Path:
    return Path(settings.MODELS_DIR) / "extractors"


def choices() -> list[tuple[str, str]]:
    """What the form offers: the value that the row keeps, and its name."""
    offered = [(SITE, _name_of_sites())]
    recipes = sorted(path for path in folder().glob(f"*{SUFFIX}") if path.stem not in {SITE, FRD})
    offered += [(path.stem, _name_of(path)) for path in recipes]
    if settings.RADIOMICS_PYTHON:
        offered.append((FRD, FRD_NAME))
    return offered


def declared() -> list[tuple[str, str]]:
    """The networks beside the site's."""
    return [(value, name) for value, name in choices() if value not in {SITE, FRD}]


def specs(values: Sequence[str]) -> list[str]:
    """The networks of the values, in their order; the site's where there is none."""
    networks = [value for value in values if value != FRD] or [SITE]
    return [settings.EXTRACTOR if value == SITE else str(folder() / f"{value}{SUFFIX}") for value in networks]


def refusals(values: Sequence[str]) -> list[str]:
    """Of each declared extractor that cannot be used as it stands, the sentence that says why; no weights are read."""
    sentences = []
    for value in values:
        if value in {SITE, FRD}:
            continue
        try:
            weights_file(read_recipe(folder() / f"{value}{SUFFIX}"))
        except ExtractorError as error:
            sentences.append(str(error))
    return sentences or _same_names(values)


def _same_names(values: Sequence[str]) -> list[str]:
    """A number stands under its extractor's name in table, file and pool: two of one name could not be told apart."""
    counts = Counter(map(name_of_numbers, specs(values)))
    return [
        f"Two of these give their numbers under the name “{name}”: choose one, or name one otherwise in its recipe."
        for name, count in counts.items()
        if count > 1
    ]


def name_of_numbers(spec: str) -> str:
    """What the numbers of the network of this spec are called."""
    path = Path(spec.partition("#")[0])
    return read_recipe(path).name if path.suffix == SUFFIX else path.name


def _name_of_sites() -> str:
    spec = settings.EXTRACTOR.partition("#")[0]
    if not spec:
        return "phantom-64, the small one that ships"
    path = Path(spec)
    return _name_of(path) if path.suffix == SUFFIX else path.stem


def _name_of(path: Path) -> str:
    try:
        recipe = read_recipe(path)
    except ExtractorError:
        return path.stem  # the form says what is wrong with it, once it is chosen
    return f"{recipe.name} ({recipe.library})"
