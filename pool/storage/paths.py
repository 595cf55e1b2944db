"""Where storage keeps what belongs to an image or an upload: by its key, never by a name that somebody gave."""

from __future__ import annotations

import uuid
from typing import Any


def stored_path(image: Any, _filename: str) -> str:
    return f"images/{image.pk.hex[:2]}/{image.pk.hex}.png"


def value_path(image: Any, _filename: str) -> str:
    return f"values/{image.pk.hex[:2]}/{image.pk.hex}.dcm"


def upload_path(_row: Any, _filename: str) -> str:
    return f"uploads/{uuid.uuid4().hex}"
