"""Words that stand where a patient should and name none."""

from __future__ import annotations

import re

PLACEHOLDER = re.compile(
    r"""
    anon\w*([ ^_-]*\w{0,8})? | de-?identified | removed | redacted | masked | blinded | hidden
    | unknown | unbekannt | inconnu | unnamed | no[ _-]?(id|name|patient) | not[ _-]?(available|known|given)
    | none | null | nil | nan | n\.?/?a\.? | na | missing | empty | undefined | default | dummy | test([ _-]?patient)?
    | patient([ _-]?id|[ _-]?name)? | id | name | pid | subject | john[ ^]doe | doe[ ^]john | x+ | -+ | \?+ | \.+ | \*+ | _+
    | 0+
    """,
    re.VERBOSE | re.IGNORECASE,
)
# What a table may number patients with, and a header that was cleaned does not.
NUMBER = re.compile(r"\d+")


def is_placeholder(identifier: str) -> bool:
    """Whether a header's patient identifier names no patient."""
    return bool(identifier) and PLACEHOLDER.fullmatch(identifier.strip(" \t\"'()<>[]{}^")) is not None


def is_missing(cell: str) -> bool:
    """Whether a table's patient cell names no patient; a number may."""
    return is_placeholder(cell) and NUMBER.fullmatch(cell.strip()) is None
