"""Two arms cut from one source of images, and studies of them frozen by a pipeline that may be faulty."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw
from scipy.ndimage import gaussian_filter

from pool.canonical.pixels import Pixels
from pool.imports.raster import decode
from pool.imports.store import add_image
from pool.models import Dataset, Origin
from rating.models import BlindingAudit, Freeze, Stratum, Study
from tests.factories import make_dataset

EACH = 24
SIDE = 160
CANVAS = 128


@cache
def image(number: int, *, side: int = SIDE) -> Pixels:
    """Soft shapes, fine lines and grain: like no other image, but made in the same way."""
    noise = np.random.default_rng([2022, number])
    shapes = sum(
        weight * _standard(gaussian_filter(noise.normal(size=(side, side)), scale))
        for weight, scale in ((1.0, side / 8), (0.5, side / 24), (0.2, 1.2))
    )
    grey = 120 + 45 * np.asarray(shapes) + noise.normal(0, 8)
    pixels = np.clip(grey, 0, 255).astype(np.uint8)
    pixels.flags.writeable = False  # the next test has the same
    return pixels


def _standard(values: Any) -> Any:
    return (values - values.mean()) / values.std()


def nearly(pixels: Pixels) -> Pixels:
    """The same image, a little brighter, saved as JPEG and resized on the way."""
    out = io.BytesIO()
    shifted = PillowImage.fromarray(pixels).point(lambda value: min(255, value + 6))
    shifted.resize((150, 150)).save(out, format="JPEG", quality=70)
    return decode(out.getvalue())


def turned(pixels: Pixels, degrees: float) -> Pixels:
    return np.asarray(PillowImage.fromarray(pixels).rotate(degrees, PillowImage.Resampling.BILINEAR))


def arms(*, of: Callable[[int], Pixels] = image, each: int = EACH) -> tuple[list[Pixels], list[Pixels]]:
    """Images dealt by chance to two arms."""
    numbers = np.random.default_rng(7).permutation(2 * each)
    return [of(n) for n in numbers[:each]], [of(n) for n in numbers[each:]]


def filled(origin: str, images: Iterable[Pixels], **fields: Any) -> Dataset:
    """A dataset of these images, each of a patient of its own and all of one finding."""
    dataset = make_dataset(origin=origin)
    fields.setdefault("label", "normal")
    provenance = {"engine": "phantom"} if origin == Origin.SYNTHETIC else {}
    for number, pixels in enumerate(images):
        patient = fields.get("patient", f"{origin} {number}")
        add_image(dataset, pixels, provenance=provenance, **(fields | {"patient": patient}))
    return dataset


def study_of(real: Dataset, fake: Dataset, *, name: str = "Audited", **protocol: Any) -> Study:
    study = Study.objects.create(name=name, **{"canvas": CANVAS, "seed": 2022, **protocol})
    for dataset in (real, fake):
        Stratum.objects.create(study=study, dataset=dataset, count=dataset.images.count())
    return study


def audited(study: Study) -> BlindingAudit:
    """The audit that freezing ran."""
    freeze = study.freezes.active().first() or Freeze.objects.create(study=study)
    freeze.perform()
    assert freeze.state == Freeze.State.SUCCEEDED, freeze.error
    audit = study.blinding_audits.get()
    assert audit.state == BlindingAudit.State.SUCCEEDED, audit.error
    return audit


def lettered(pixels: Pixels) -> Pixels:
    marked = PillowImage.fromarray(pixels // 2)
    ImageDraw.Draw(marked).text((14, 12), "L", fill=255, font_size=14)
    return np.asarray(marked)
