"""The images of the pool that a job starts from, as a model of ours gets them, and whose patient they show."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from generation.diffusion.config import ConfigError
from generation.diffusion.sampling.region import region_of, region_of_mask
from generation.images.engines.protocol import Sources
from generation.images.models import GenerationJob
from generation.images.source_settings import MOST_SOURCES
from jobs.models import JobFailedError
from jobs.throttle import Throttle
from pool.canonical.previews import squares
from pool.models import Image

GONE = "is not in the pool, or somebody has excluded it."


def sources_of(job: GenerationJob) -> Sources | None:
    """None where a job's images start from noise. Raises JobFailedError."""
    if (
        job.engine != GenerationJob.Engine.DIFFUSION
        or job.checkpoint is None
        or not job.settings.get("strength")
    ):
        return None
    config, pulse = job.checkpoint.config, Throttle(job.beat)
    images = _images(job)
    pixels = squares(images, side=config.size, colour=config.channels == 3, pulse=pulse)
    region, how = _region(job, config.size)
    strength = float(job.settings["strength"])
    facts = [
        {"edit_of": str(image.pk), "edit_of_sha256": image.pixel_sha256, "strength": strength, **how}
        for image in images
    ]
    return Sources(pixels, facts, strength, region)


def patient_of(provenance: Mapping[str, object], *, modality: str, label: str) -> str:
    """The key of the patient whose image another starts from, or of the imagined one of a drawing: an audit must know."""
    seed = provenance.get("seed")
    if seed and provenance.get("engine") == GenerationJob.Engine.PHANTOM:
        drawing = f"phantom of {modality}, {label or 'normal'}, seed {seed}"
        return hashlib.sha256(drawing.encode()).hexdigest()
    source = provenance.get("edit_of")
    if not source:
        return ""
    return str(Image.objects.filter(pk=str(source)).values_list("patient_key", flat=True).first() or "")


def _images(job: GenerationJob) -> list[Image]:
    chosen = job.settings.get("edit_of")
    usable = Image.objects.usable()
    rows = usable.filter(pk=chosen) if chosen else usable.filter(dataset=job.settings["edit_each"])
    images = list(rows.order_by("pixel_sha256")[:MOST_SOURCES])
    if not images:
        raise JobFailedError(f"What was to be started from {GONE}")
    return images


def _region(job: GenerationJob, side: int) -> tuple[NDArray[np.bool_] | None, dict[str, str]]:
    """Where is drawn, and what the provenance says of it."""
    words, mask = job.settings.get("region"), job.settings.get("mask")
    try:
        if words:
            return region_of(words, side), {"region": words}
        if not mask:
            return None, {}
        image = Image.objects.usable().filter(pk=mask).first()
        if image is None:
            raise JobFailedError(f"The mask {GONE}")
        [pixels] = squares([image], side=side, colour=False, pulse=job.beat)
        return region_of_mask(pixels), {"mask": str(image.pk), "mask_sha256": image.pixel_sha256}
    except ConfigError as error:
        raise JobFailedError(str(error)) from error
