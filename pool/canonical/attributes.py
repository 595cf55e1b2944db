"""What an image's provenance says of it beside its finding, by name: the usual attributes, and columns that somebody kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

USUAL = ("view", "site", "sex", "age_band")  # each has a place of its own in the provenance
KEPT = "attributes"  # of the provenance: all others by their names
ELSEWHERE = {"view": "ViewPosition"}  # where a DICOM header says what a table calls otherwise

Provenance = Mapping[str, object]


def kept_of(provenance: Provenance) -> dict[str, str]:
    """The attributes that are not usual."""
    columns = provenance.get(KEPT)
    return {str(name): str(value) for name, value in columns.items()} if isinstance(columns, dict) else {}


def attribute_of(provenance: Provenance, name: str) -> str:
    """What is known under this name; empty where nothing is."""
    for value in (
        provenance.get(name),
        provenance.get(ELSEWHERE.get(name, name)),
        kept_of(provenance).get(name),
    ):
        if type(value) in {int, float} or (value and isinstance(value, str)):
            return str(value)
    return ""


def as_provenance(attributes: Mapping[str, str]) -> dict[str, object]:
    """Attributes as they stand in a provenance, where none can pass for anything else that it says."""
    usual: dict[str, object] = {name: value for name, value in attributes.items() if name in USUAL and value}
    columns = {name: value for name, value in attributes.items() if name not in USUAL and value}
    return {**usual, KEPT: columns} if columns else usual


def names_in(provenances: Iterable[Provenance]) -> list[str]:
    """The usual attributes that any of them has, then the other ones in the order of the alphabet."""
    usual, columns = set(), set()
    for provenance in provenances:
        usual |= {name for name in USUAL if attribute_of(provenance, name)}
        columns |= set(kept_of(provenance))
    return [*(name for name in USUAL if name in usual), *sorted(columns - usual)]


def lines_of(provenance: Provenance) -> list[tuple[str, str]]:
    """All that a provenance says, as lines to read."""
    remaining = {name: value for name, value in provenance.items() if name != KEPT}
    lines = sorted((kept_of(provenance) | remaining).items(), key=lambda line: line[0].lower())
    return [(name[:1].upper() + name[1:].replace("_", " "), _in_words(value)) for name, value in lines]


def _in_words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
