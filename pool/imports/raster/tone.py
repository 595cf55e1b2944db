"""Gamma and colour profiles: the grey that a screen would show, where it is not the number in the file."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

from pool.canonical.pixels import Pixels, as_levels, bits_of
from pool.imports.notes import Notes

SCREEN_GAMMA = 1 / 2.2
LEAST_GAMMA, MOST_GAMMA = 0.1, 2.0
LEAST_CHANGE = 6  # grey levels of 256, below which a profile is a screen's own

Curve = npt.NDArray[np.float64]


def gamma_of(info: dict[Any, Any]) -> float | None:
    """A PNG's gamma, where no profile stands above it."""
    gamma = info.get("gamma")
    return float(gamma) if isinstance(gamma, int | float) and "srgb" not in info else None


def by_gamma(pixels: Pixels, gamma: float, notes: Notes) -> Pixels:
    if not LEAST_GAMMA <= gamma <= MOST_GAMMA or abs(gamma - SCREEN_GAMMA) < 0.03:
        return pixels
    notes.add("gamma", f"The file's gamma of {gamma:.3g} was applied.")
    top = np.iinfo(pixels.dtype).max
    lookup = np.rint(np.linspace(0, 1, top + 1) ** (SCREEN_GAMMA / gamma) * top)
    return as_levels(lookup, bits=bits_of(pixels))[pixels]


def tone_curve(profile: bytes | None) -> Curve | None:
    """What a profile makes of 256 greys, 0 to 255; None for a screen's own profile or one that cannot be used."""
    if not profile:
        return None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = {"GRAY": "L", "RGB": "RGB"}.get(source.profile.xcolor_space.strip())
        if mode is None:
            return None
        ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None, :]).convert(mode)
        converted = ImageCms.profileToProfile(ramp, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    if converted is None:
        return None
    curve = np.asarray(converted.convert("L"), dtype=np.float64)[0]
    is_screens = float(np.abs(curve - np.arange(256)).max()) < LEAST_CHANGE
    return None if is_screens or (np.diff(curve) < 0).any() else curve


def by_curve(pixels: Pixels, curve: Curve, notes: Notes) -> Pixels:
    notes.add("gamma", "The file's colour profile was applied.")
    top = np.iinfo(pixels.dtype).max
    lookup = np.rint(np.interp(np.arange(top + 1), np.linspace(0, top, 256), curve * (top / 255)))
    return as_levels(lookup, bits=bits_of(pixels))[pixels]
