"""A frontal chest radiograph, drawn: attenuation adds up along the beam, bone and fluid are bright."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from generation.phantoms.shapes import SEEN_WITHIN, Field, Plane, ellipse, soft, texture, vessels

BAND_EDGE = 0.009


@dataclass(frozen=True)
class Chest:
    """The build of one imagined person, in plane units."""

    half_width: float
    apex: float
    dome: tuple[float, float]
    heart: float
    tilt: float
    bone: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> Chest:
        base = rng.uniform(0.34, 0.52)
        return cls(
            half_width=rng.uniform(0.66, 0.78),
            apex=rng.uniform(-0.82, -0.68),
            dome=(base, base + rng.uniform(0.03, 0.1)),
            heart=rng.uniform(0.85, 1.15),
            tilt=rng.normal(0, 0.02),
            bone=rng.uniform(0.8, 1.2),
        )


def draw_xray(plane: Plane, rng: np.random.Generator, *, opacity: bool) -> Field:
    """A chest X-ray as brightness from 0 to 1."""
    chest = Chest.random(rng)
    upright = _tilted(plane, chest.tilt)
    air = {side: _lung(upright, chest, side) for side in (-1, 1)}
    heart = _heart(upright, chest)
    lungs = np.maximum(air[-1], air[1]) * (1 - 0.88 * heart)

    density = _torso(upright, rng) * 0.62
    density -= 0.50 * lungs
    density += 0.05 * heart + _midline(upright, rng)
    density += _bones(upright, chest, rng) * (0.55 + 0.45 * lungs)
    density += 0.15 * lungs * _vascular_trees(upright, rng)
    density += 0.02 * lungs * texture(plane, rng, 0.02) + 0.015 * texture(plane, rng, 0.12)
    density -= 0.09 * _stomach_bubble(upright, chest, rng)
    if opacity:
        density += lungs * _opacity(upright, chest, rng)
    density = ndimage.gaussian_filter(density, plane.size / 500)
    return np.clip((density + 0.02) / rng.uniform(0.86, 0.96), 0, 1) ** rng.uniform(0.95, 1.2)


def _tilted(plane: Plane, angle: float) -> Plane:
    c, s = np.cos(angle), np.sin(angle)
    return Plane(x=c * plane.x + s * plane.y, y=-s * plane.x + c * plane.y)


def _torso(p: Plane, rng: np.random.Generator) -> Field:
    """Soft tissue: trunk, sloping shoulders, neck; air around it stays black."""
    shoulder = rng.uniform(-0.72, -0.6)
    flank = 0.9 + 0.06 * np.sin(2.2 * p.y + rng.uniform(-0.5, 0.5))
    trunk = soft(flank - np.abs(p.x), 0.03)
    slope = shoulder - 0.42 * np.exp(-(((p.x) / 0.34) ** 2)) + 0.16 * np.abs(p.x) ** 3
    trunk = np.maximum(trunk, soft(1.1 - np.abs(p.x), 0.03) * soft(0.25 - p.y, 0.3))
    thickness = 0.80 + 0.20 * np.sqrt(np.clip(1 - (p.x / 1.1) ** 2, 0, 1)) + 0.10 * p.y
    return np.asarray(trunk * soft(p.y - slope, 0.05) * thickness)


def _lung(p: Plane, chest: Chest, side: int) -> Field:
    u = side * p.x
    dome = chest.dome[0] if side < 0 else chest.dome[1]
    t = np.clip((p.y - chest.apex) / (0.5 - chest.apex), 0, 1.3)
    rise = np.clip(t / 0.72, 0, 1)
    outer = 0.19 + (chest.half_width - 0.19) * np.sqrt(np.clip(1 - (1 - rise) ** 2, 0, 1)) ** 1.1
    inner = 0.15 - 0.05 * np.clip(1 - np.abs(t - 0.35) / 0.35, 0, 1) + 0.06 * (1 - rise) ** 3
    floor = dome + 0.75 * np.clip(u - 0.36, 0, 1) ** 2 * 2.2 + 0.35 * np.clip(0.36 - u, 0, 1) ** 2
    shape = soft(outer - u, 0.018) * soft(u - inner, 0.028) * soft(floor - p.y, 0.016)
    shape *= soft(p.y - chest.apex, 0.05)
    depth = np.sqrt(np.clip(1 - ((u - 0.42) / 0.42) ** 2, 0.1, 1))
    return np.asarray(shape * (0.72 + 0.28 * depth) * (0.86 + 0.14 * t))


def _heart(p: Plane, chest: Chest) -> Field:
    k = chest.heart
    ventricle = ellipse(p, 0.14, 0.27, 0.37 * k, 0.25 * k, angle=0.6, edge=0.03)
    atrium = ellipse(p, -0.08, 0.2, 0.17 * k, 0.26 * k, edge=0.03)
    knob = ellipse(p, 0.12, -0.3, 0.1, 0.11, edge=0.03)
    trunk = ellipse(p, 0.06, -0.08, 0.15, 0.26, angle=-0.15, edge=0.04)
    return np.asarray(1 - (1 - ventricle) * (1 - atrium) * (1 - 0.8 * knob) * (1 - 0.8 * trunk))


def _midline(p: Plane, rng: np.random.Generator) -> Field:
    """Mediastinum, spine with its discs, and the dark column of the trachea."""
    shift = rng.normal(0, 0.012)
    column = np.exp(-(((p.x - shift) / 0.13) ** 2))
    vertebra = 0.5 + 0.5 * np.cos(2 * np.pi * (p.y + rng.uniform(0, 0.14)) / 0.145)
    spine = soft(0.085 - np.abs(p.x - shift), 0.015) * (0.02 + 0.03 * vertebra)
    trachea = soft(0.045 - np.abs(p.x - shift - 0.01), 0.015) * soft(-0.22 - p.y, 0.05)
    return np.asarray(0.10 * column + spine - 0.10 * trachea)


def _bones(p: Plane, chest: Chest, rng: np.random.Generator) -> Field:
    bones = np.zeros_like(p.x)
    pitch = (0.62 - chest.apex) / 9.2
    for side in (-1, 1):
        facing = Plane(x=side * p.x, y=p.y)
        for k in range(9):
            top = chest.apex + pitch * (k + 0.15) + rng.normal(0, 0.006)
            _add_rib(bones, facing, chest, top, k=k, rng=rng)
        bones += _clavicle(facing.x, facing.y, chest, rng)
        bones += 0.05 * ellipse(p, side * 0.86, -0.28, 0.13, 0.34, angle=side * 0.25, edge=0.04)
        bones += 0.09 * ellipse(p, side * 1.0, -0.62, 0.14, 0.13, edge=0.03)
    return bones * chest.bone


def _add_rib(bones: Field, p: Plane, chest: Chest, top: float, *, k: int, rng: np.random.Generator) -> None:
    """A posterior rib, arching out and down from the spine, and the fainter anterior one crossing it."""
    reach = chest.half_width * np.sqrt(np.clip(1 - (1 - min(1.0, (k + 1.3) / 5)) ** 2, 0.25, 1)) + 0.02
    outer, rim = reach + SEEN_WITHIN * 0.02, 0.035 + SEEN_WITHIN * BAND_EDGE

    part = p.part((0.08 - SEEN_WITHIN * 0.02, outer), (top - 0.05 - rim, top + 0.13 + 0.02 * k + rim))
    u, y = p.x[part], p.y[part]
    v = np.clip(u / reach, 0, 1.0)
    arc = top - 0.05 * np.sin(np.pi * np.clip(v * 1.1, 0, 1)) + (0.13 + 0.02 * k) * v**3
    bones[part] += 0.10 * _bar(y - arc, 0.026 + 0.001 * k) * soft(reach - u, 0.02) * soft(u - 0.08, 0.02)

    front = top + 0.36 + 0.02 * k + rng.normal(0, 0.01)
    if k < 6:
        part = p.part((0.3 - SEEN_WITHIN * 0.06, outer), (front - 0.22 - rim, front + rim))
        u, y = p.x[part], p.y[part]
        arc = front - 0.22 * np.clip(u / reach, 0, 1.0) ** 1.6
        bones[part] += 0.05 * _bar(y - arc, 0.03) * soft(reach - u, 0.02) * soft(u - 0.3, 0.06)


def _bar(distance: Field, half: float) -> Field:
    """The shadow of a tube: a soft band with brighter rims, as cortical bone has."""
    band = soft(half - np.abs(distance), BAND_EDGE)
    rim = np.exp(-(((np.abs(distance) - half) / 0.008) ** 2))
    return np.asarray(0.75 * band + 0.45 * rim)


def _clavicle(u: Field, y: Field, chest: Chest, rng: np.random.Generator) -> Field:
    height = chest.apex + 0.2 + rng.normal(0, 0.015)
    bow = height - 0.13 * (u - 0.1) - 0.035 * np.sin((u - 0.1) * 6)
    return np.asarray(0.15 * _bar(y - bow, 0.032) * soft(u - 0.09, 0.02) * soft(0.9 - u, 0.04))


def _vascular_trees(p: Plane, rng: np.random.Generator) -> Field:
    roots = [
        (side * 0.2, -0.02, (0.0 if side > 0 else np.pi) + side * lean)
        for side in (-1, 1)
        for lean in (-1.1, -0.5, -0.1, 0.4, 0.8, 1.1)
    ]
    trees = vessels(p, rng, roots=roots, angle_range=0.3, length=0.2, thickness=0.034, depth=5, survival=0.85)
    for side in (-1, 1):
        trees += 0.7 * ellipse(p, side * 0.21, -0.02, 0.07, 0.12, edge=0.07)
    return trees


def _stomach_bubble(p: Plane, chest: Chest, rng: np.random.Generator) -> Field:
    size = rng.uniform(0.0, 0.13)
    return ellipse(p, 0.42, chest.dome[1] + 0.08 + size, 0.06 + size * 1.2, 0.04 + size * 0.7, edge=0.03)


def _opacity(p: Plane, chest: Chest, rng: np.random.Generator) -> Field:
    """One to three hazy patches of consolidation, more often low than high."""
    haze = np.zeros_like(p.x)
    for _ in range(rng.integers(1, 4)):
        cx = rng.choice([-1, 1]) * rng.uniform(0.28, 0.56)
        cy = rng.triangular(chest.apex + 0.3, 0.25, 0.4)
        blob = ellipse(
            p, cx, cy, rng.uniform(0.12, 0.26), rng.uniform(0.12, 0.3), angle=rng.uniform(-1, 1), edge=0.09
        )
        haze = np.maximum(haze, blob * rng.uniform(0.2, 0.34))
    return np.asarray(haze * np.clip(1 + 0.35 * texture(p, rng, 0.035), 0.2, 1.8))
