"""What a job says of itself, as its row holds it."""

from __future__ import annotations

from jobs.site_folders import as_read


def readable(text: str) -> str:
    """The text as it stands in a job's row and on its page, without the server's own paths."""
    return storable(as_read(text))


def storable(text: str) -> str:
    """The text as PostgreSQL takes it, which refuses NUL and half letters: an error must be told whatever it quotes."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
