"""The folders in which a site keeps its files, and how people read of them.

Where they lie on the server is nothing for a page: what a sentence names in them is named as it reads from there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

from django.conf import settings

HOME = "the site's folder"


def images() -> Path | None:
    """Where images lie; nowhere here where they lie in S3."""
    options = cast("Mapping[str, Mapping[str, str]]", settings.STORAGES["default"]).get("OPTIONS", {})
    folder = Path(options.get("location", ""))
    return folder if folder.is_absolute() else None


def as_read(text: str) -> str:
    """The text with every path into these folders as it reads from the site's own: `models/loras/chest.safetensors`."""
    for folder, name in _named():
        path = rf"(?<![\w.-])(?<!:/){re.escape(str(folder))}"  # and no part of another path, or of an address
        text = re.sub(f"{path}/", f"{name}/" if name else "", text)
        text = re.sub(rf"{path}(?![\w-]|\.\w)", name or HOME, text)
    return text


def _named() -> Iterator[tuple[Path, str]]:
    """What lies in the home by default comes before the home."""
    yield Path(settings.MODELS_DIR), "models"
    if folder := images():
        yield folder, "media"
    yield settings.HOME.root, ""
