"""What enters a chain, byte for byte: the one place that says it in Python; the database says the same in SQL.

Content is a list of cells, each `LENGTH:BYTES,` (a netstring), an absent one `-`. Texts of people enter as the SHA-256 of a
stored random nonce and the text, so that a text can be redacted and the chain stays whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime

__all__ = ["cells", "link", "moment", "text_sha256"]


def cells(values: Iterable[str | int | None]) -> bytes:
    """The values one after the other, so that no two lists give the same bytes."""
    return b"".join(_cell(value) for value in values)


def _cell(value: str | int | None) -> bytes:
    if value is None:
        return b"-"
    content = str(value).encode()
    return b"%d:%s," % (len(content), content)


def link(values: Iterable[str | int | None]) -> str:
    """The hash of a row from its values, the hash of the row before among them."""
    return hashlib.sha256(cells(values)).hexdigest()


def text_sha256(nonce: str, text: str) -> str:
    """How a text stands in a chain; empty of an empty text."""
    return hashlib.sha256((nonce + text).encode()).hexdigest() if text else ""


def moment(at: datetime) -> str:
    """A time as it enters a chain: UTC, to the microsecond."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
