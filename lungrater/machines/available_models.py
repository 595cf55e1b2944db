"""Which models of this home can tell real from fake, found without loading any of them."""

from __future__ import annotations

import json
from pathlib import Path

from django.conf import settings

from lungrater.machines.model_folder import FAKE, SCRIPT

PLACES = ("machines/*", "utility-*/*")


def folders() -> list[str]:
    """Their folders, as paths below the home's models: TorchScript in machines/, and classifiers with a class “fake”."""
    models = Path(settings.MODELS_DIR)
    candidates = (folder for place in PLACES for folder in sorted(models.glob(place)))
    return [folder.relative_to(models).as_posix() for folder in candidates if _can_rate(folder)]


def _can_rate(folder: Path) -> bool:
    if (folder / SCRIPT).is_file():
        return True
    try:
        classes = json.loads((folder / "config.json").read_text())["classes"]
    except (OSError, ValueError, TypeError, KeyError):
        return False
    return any(str(name).lower() in FAKE for name in classes)
