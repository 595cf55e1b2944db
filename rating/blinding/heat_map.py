"""The map of places: over the mean of all images, where the arms of a study differ."""

from __future__ import annotations

import io
from typing import TypedDict

import numpy as np

SIDE = 384
MORE = (230, 120, 0)  # orange and blue are told apart by eyes that take red for green
LESS = (30, 110, 230)
FAINT = 0.25  # of what luck does as well


class HeatMap(TypedDict):
    """By cell the difference of the arms, the mean of all images, and how much luck does anywhere."""

    z: list[list[int]]
    luck: int
    mean: list[list[int]]


def heat_map_png(heat_map: HeatMap) -> bytes:
    """Orange where generated images have more, blue where less; strong only where luck seldom does as much."""
    from PIL import Image

    z = np.array(heat_map["z"], dtype=np.float32)
    luck = float(heat_map["luck"])
    mean = np.array(heat_map["mean"], dtype=np.float32)[..., None]
    strength = np.abs(z) / max(float(np.abs(z).max()), luck, 1.0)
    opacity = np.where(np.abs(z) > luck, 0.35 + 0.65 * strength, FAINT * strength)[..., None]
    colours = np.where((z > 0)[..., None], np.array(MORE), np.array(LESS))
    blended = np.rint(mean * (1 - opacity) + colours * opacity).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(blended).resize((SIDE, SIDE), Image.Resampling.NEAREST).save(out, format="PNG")
    return out.getvalue()
