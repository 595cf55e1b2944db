"""An axial CT slice through the chest, drawn in Hounsfield units and shown in a lung window."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from generation.phantoms.shapes import (
    SEEN_WITHIN,
    Field,
    Plane,
    around,
    ellipse,
    radius,
    soft,
    specks,
    texture,
    vessels,
    wobble,
)

AIR, LUNG, FAT, MUSCLE, BLOOD, BONE = -1000.0, -860.0, -100.0, 45.0, 60.0, 420.0


def draw_ct(plane: Plane, rng: np.random.Generator, *, opacity: bool) -> Field:
    """A CT slice as brightness from 0 to 1 in a window of about 1,500 HU around -520 HU."""
    level = rng.uniform(0, 1)  # 0 at the aortic arch, 1 just above the diaphragm
    body, wall = _trunk(plane, rng)
    lungs = _lungs(plane, rng, level)
    hu = np.full_like(plane.x, AIR)
    hu = _over(hu, body, FAT + 12 * texture(plane, rng, 0.03))
    hu = _over(hu, wall, MUSCLE + 10 * texture(plane, rng, 0.03))
    hu = _over(hu, _ribs(plane, rng), BONE)
    hu = _over(hu, lungs, LUNG + rng.uniform(-20, 50) + 22 * texture(plane, rng, 0.02) + 90 * (plane.y + 0.1))
    hu = _over(hu, lungs * _lung_vessels(plane, rng, level), BLOOD)
    if opacity:
        hu = _over(hu, lungs * _ground_glass(plane, rng), -330.0 + 90 * texture(plane, rng, 0.02))
    hu = _midline(plane, hu, rng, level)
    hu = _spine(plane, hu, rng)
    hu = _over(hu, _table(plane, rng), -250.0)
    hu = ndimage.gaussian_filter(hu, plane.size / 420)
    centre, width = rng.uniform(-560, -480), rng.uniform(1400, 1600)
    return np.clip((hu - centre) / width + 0.5, 0, 1)


def _over(below: Field, mask: Field, value: Field | float) -> Field:
    return np.asarray(below + mask * (value - below))


def _angle(p: Plane) -> Field:
    return np.asarray(np.arctan2(p.y, p.x))


def _trunk(p: Plane, rng: np.random.Generator) -> tuple[Field, Field]:
    """The skin outline and, inside its fat, the muscular wall."""
    rx, ry = rng.uniform(0.88, 0.95), rng.uniform(0.64, 0.72)
    r = (np.abs(p.x / rx) ** 2.4 + np.abs((p.y - 0.02) / ry) ** 2.4) ** (1 / 2.4)
    r = r / wobble(_angle(p), rng, amount=0.012)
    fat = rng.uniform(0.05, 0.11)
    return soft(1 - r, 0.02), soft(1 - fat - r, 0.025)


def _lungs(p: Plane, rng: np.random.Generator, level: float) -> Field:
    rx, ry = rng.uniform(0.34, 0.38), rng.uniform(0.44, 0.5)
    lungs = np.zeros_like(p.x)
    for side in (-1, 1):
        cx = side * rng.uniform(0.385, 0.41)
        outline = wobble(np.arctan2(p.y, p.x - cx), rng, amount=0.025)
        lung = soft(1 - radius(p, cx, -0.01, rx, ry, angle=side * 0.1) / outline, 0.035)
        lungs = np.maximum(lungs, lung)
    spine = ellipse(p, 0, 0.4, 0.17, 0.2, edge=0.03)
    column = ellipse(p, 0, 0.0, 0.13, 0.5, edge=0.03)
    return np.asarray(lungs * (1 - spine) * (1 - column) * (1 - _heart(p, level)))


def _heart(p: Plane, level: float) -> Field:
    size = 0.12 + 0.24 * level
    return ellipse(p, 0.13 * level, -0.16 + 0.05 * level, size * 1.12, size * 0.86, angle=0.5, edge=0.02)


def _ribs(p: Plane, rng: np.random.Generator) -> Field:
    """Cut ribs, long and slant, set round the chest wall, each with its marrow; the sternum in front."""
    bones = np.zeros_like(p.x)
    start = rng.uniform(0, 0.4)
    for k in range(15):
        theta = start + k * 2 * np.pi / 15 + rng.normal(0, 0.05)
        cx, cy = 0.79 * np.cos(theta), 0.015 + 0.545 * np.sin(theta)
        along = np.arctan2(0.545 * np.cos(theta), -0.79 * np.sin(theta)) + rng.normal(0, 0.08)
        bones = np.maximum(bones, _hollow(p, cx, cy, rng.uniform(0.06, 0.13), 0.028, angle=along))
    return np.maximum(bones, _hollow(p, 0, -0.54, 0.12, 0.035, angle=0.0))


def _hollow(p: Plane, cx: float, cy: float, rx: float, ry: float, *, angle: float) -> Field:
    part = around(p, cx, cy, rx, ry, angle=angle, reach=1 + SEEN_WITHIN * 0.15)
    r = radius(p[part], cx, cy, rx, ry, angle=angle)
    filled = np.zeros_like(p.x)
    filled[part] = soft(1 - r, 0.15) * (0.65 + 0.35 * soft(r - 0.55, 0.2))
    return filled


def _lung_vessels(p: Plane, rng: np.random.Generator, level: float) -> Field:
    """Trees that run within the slice, and the dots of those that cross it."""
    roots = [
        (side * (0.19 + 0.05 * level), 0.02, (0.0 if side > 0 else np.pi) + side * lean)
        for side in (-1, 1)
        for lean in (-1.1, -0.3, 0.4, 1.1)
    ]
    trees = vessels(p, rng, roots=roots, angle_range=0.4, length=0.15, thickness=0.03, depth=5, survival=0.55)
    small = specks(p, rng, count=int(rng.integers(60, 110)), width=0.011)
    large = specks(p, rng, count=int(rng.integers(14, 26)), width=0.02)
    return np.maximum(0.75 * trees, np.maximum(0.55 * small, 0.8 * large))


def _ground_glass(p: Plane, rng: np.random.Generator) -> Field:
    """Hazy patches, mostly peripheral and towards the back, as in viral pneumonia."""
    haze = np.zeros_like(p.x)
    for _ in range(rng.integers(2, 6)):
        theta = rng.choice([-1, 1]) * rng.uniform(0.0, 1.2) + (0.0 if rng.random() < 0.5 else np.pi)
        reach = rng.uniform(0.7, 1.0)
        cx, cy = 0.64 * reach * np.cos(theta), 0.1 + 0.36 * reach * np.sin(theta)
        blob = ellipse(
            p,
            cx,
            cy,
            rng.uniform(0.08, 0.2),
            rng.uniform(0.06, 0.16),
            angle=rng.uniform(-1.5, 1.5),
            edge=0.05,
        )
        haze = np.maximum(haze, blob * rng.uniform(0.5, 0.95))
    return np.asarray(haze * np.clip(1 + 0.3 * texture(p, rng, 0.04), 0, 1.3)).clip(0, 1)


def _midline(p: Plane, hu: Field, rng: np.random.Generator, level: float) -> Field:
    """Heart or great vessels, descending aorta, windpipe and gullet."""
    hu = _over(hu, _heart(p, level), BLOOD)
    aorta = rng.uniform(0.06, 0.08)
    hu = _over(hu, ellipse(p, 0.15, 0.25, aorta, aorta, edge=0.012), BLOOD + 60)
    for side, height in ((-1, 0.02), (1, 0.04)):
        split = 0.02 + 0.12 * level
        airway = ellipse(p, side * split, height, 0.042 - 0.012 * level, 0.046 - 0.014 * level, edge=0.01)
        hu = _over(hu, airway * (level < 0.75), AIR)
    return hu


def _spine(p: Plane, hu: Field, rng: np.random.Generator) -> Field:
    y = 0.4 + rng.normal(0, 0.01)
    hu = _over(hu, ellipse(p, 0, y + 0.02, 0.17, 0.19, edge=0.02), MUSCLE)
    hu = _over(hu, _hollow(p, 0, y - 0.03, 0.115, 0.09, angle=0.0), BONE)
    for side in (-1, 1):
        hu = _over(hu, _hollow(p, side * 0.13, y + 0.09, 0.09, 0.022, angle=side * 0.4), BONE)
    hu = _over(hu, _hollow(p, 0, y + 0.17, 0.02, 0.07, angle=0.0), BONE)
    return _over(hu, ellipse(p, 0, y + 0.085, 0.04, 0.032, edge=0.01), MUSCLE - 20)


def _table(p: Plane, rng: np.random.Generator) -> Field:
    curve = 0.8 + rng.uniform(0, 0.06) - 0.07 * p.x**2
    return np.asarray(0.8 * np.exp(-(((p.y - curve) / 0.012) ** 2)) * soft(0.85 - np.abs(p.x), 0.03))
