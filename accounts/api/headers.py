"""Headers that operations read, as their document tells them."""

from __future__ import annotations

from accounts.api.access import ACT_HEADER
from accounts.api.idempotency import HEADER


def _header(name: str, text: str) -> dict[str, object]:
    schema = {"type": "string", "maxLength": 100}
    parameter = {"in": "header", "name": name, "required": False, "schema": schema, "description": text}
    return {"parameters": [parameter]}


ONCE = _header(
    HEADER, "A key of your own: the same request sent again with it gets the first one's answer, for a day."
)
ACT = _header(ACT_HEADER, "A token for acts that ask again who you are, valid for ten minutes.")
