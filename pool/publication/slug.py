"""What a released dataset is called in addresses and as a file."""

from __future__ import annotations

import re


def slug_of(name: str) -> str:
    """As Kaggle names a dataset in an address: 3 to 50 small letters, digits and hyphens."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:50].strip("-")
    return words if len(words) > 2 else f"dataset-{words}".strip("-")
