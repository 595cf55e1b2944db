"""What is drawn at random once and then stored: seeds, addresses, tokens. None of them tells anything."""

from __future__ import annotations

import secrets


def random_seed() -> int:
    return secrets.randbits(62)


def random_slug() -> str:
    """Raters see it in the address bar, so it is made of nothing."""
    return secrets.token_hex(4)


def random_token() -> str:
    return secrets.token_urlsafe(24)
