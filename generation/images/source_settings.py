"""What a form is told of the images that a model of ours starts from: checked, and as a job's settings hold it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from generation.diffusion.config import ConfigError
from generation.diffusion.sampling.region import region_of
from generation.images.engines.protocol import EngineSettings
from generation.training.models import Checkpoint

MOST_SOURCES = 2_000
HOW = ("strength", "region", "mask")


def source_errors(
    data: Mapping[str, Any], checkpoint: Checkpoint, modality: str
) -> Iterator[tuple[str, str]]:
    """Fields with what is wrong with them, in whole sentences."""
    image, dataset = data.get("edit_of"), data.get("edit_each")
    source, field = image or dataset, "edit_of" if image else "edit_each"
    if image and dataset:
        yield "edit_each", "Start from one image or from those of a dataset, not from both."
    if source is None:
        yield from ((name, "This needs an image to start from.") for name in HOW if data.get(name))
    elif source.modality != modality:
        yield field, f"{checkpoint} makes {modality} images; this is {source.modality}."
    elif not any(data.get(name) for name in HOW):
        yield "strength", "Say how far from it, or where, images are to be drawn."
    if dataset and not dataset.images.usable().exists():
        yield "edit_each", f"{dataset} has no images to start from."
    yield from _region_errors(data, checkpoint)


def _region_errors(data: Mapping[str, Any], checkpoint: Checkpoint) -> Iterator[tuple[str, str]]:
    region = data.get("region")
    if region and data.get("mask"):
        yield "mask", "Draw in a region or where a mask is bright, not both."
    if region:
        try:
            region_of(region, checkpoint.config.size)
        except ConfigError as error:
            yield "region", str(error)


def source_settings(data: Mapping[str, Any]) -> EngineSettings:
    """Nothing where images start from noise."""
    if not (data.get("edit_of") or data.get("edit_each")):
        return {}
    return {
        "edit_of": str(data["edit_of"].pk) if data["edit_of"] else "",
        "edit_each": data["edit_each"].pk if data["edit_each"] else "",
        "strength": data["strength"] or 1.0,
        "region": data["region"],
        "mask": str(data["mask"].pk) if data["mask"] else "",
    }
