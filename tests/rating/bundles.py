"""A bundle as bytes, for tests that look into it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from rating.models import Study
from rating.results.export.bundle import write_bundle


def bundle(study: Study, date: str, *, with_images: bool = False) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bundle.zip"
        write_bundle(study, date, path, with_images=with_images)
        return path.read_bytes()
