"""The odd files beside the tests, and how each is looked at after its import."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from django.core.management import call_command
from django.core.management.base import CommandError

from pool.canonical.pixels import Pixels
from pool.canonical.previews import stored_pixels
from pool.models import Dataset, Image

ODD = Path(__file__).resolve().parents[1] / "data" / "odd"


def manifest() -> list[dict[str, str]]:
    with (ODD / "manifest.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def brought(*paths: Path, modality: str = "xray", labels: str | Path = "none", **more: str) -> dict[str, Any]:
    """What `lungrater import --json` says of these paths, also where nothing went in."""
    out = io.StringIO()
    words = [*map(str, paths), "--dataset", "D", "--origin", "real", "--modality", modality]
    words += ["--labels", str(labels), *(f"--{name}={value}" for name, value in more.items())]
    try:
        call_command("import", *words, "--json", stdout=out)
    except CommandError as error:
        if not out.getvalue():
            return {"error": str(error)}
    report: dict[str, Any] = json.loads(out.getvalue())
    return report


def the_image() -> Image:
    return Dataset.objects.get(name="D").images.get()


def the_pixels() -> npt.NDArray[np.float64]:
    """The one stored image, on a scale from 0 to 1."""
    return unit(stored_pixels(the_image()))


def unit(pixels: Pixels) -> npt.NDArray[np.float64]:
    return np.asarray(pixels / np.iinfo(pixels.dtype).max)


def shows_the_phantom(image: npt.NDArray[np.float64]) -> bool:
    """A dark border and a bright spine, as the drawn chest has; its negative has neither."""
    height, width = image.shape
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]]).mean()
    spine = image[height // 3 : 2 * height // 3, width // 2 - 2 : width // 2 + 2].mean()
    return bool(border < 0.4 and spine > 0.6 and spine - border > 0.4)


def labels_by_name() -> dict[str, str]:
    return dict(Image.objects.values_list("source_name", "label"))
