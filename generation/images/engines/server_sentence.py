"""What a server says of its refusal, fit to be shown: one line, of bounded length, and without the key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MOST = 200
KEY = re.compile(r"\b(sk|key|Bearer)[-_ ][\w*.…-]{6,}", re.IGNORECASE)


def sentence_of(body: Any, *, secret: str = "") -> str:
    """The message of an error's body as the SDK hands it on, or "" where it has none.

    The key is taken out, whole and as services repeat it (`sk-…`).
    """
    message = body.get("message") if isinstance(body, Mapping) else None
    if isinstance(body, Mapping) and not isinstance(message, str):
        nested = body.get("error")  # a gateway's wrapping of another service's error
        message = nested.get("message") if isinstance(nested, Mapping) else nested
    if not isinstance(message, str):
        return ""
    if secret:
        message = message.replace(secret, "[key]")
    line = " ".join(KEY.sub("[key]", message).replace("\0", "").split())
    return line if len(line) <= MOST else line[: MOST - 1] + "…"
