"""Soft shapes on an image plane, the strokes every phantom is drawn with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Field = NDArray[np.float64]
Part = tuple[slice, slice]

# So many widths from an edge a shape is 1e-12 of itself, far below what eight bits show: there it is not drawn.
SEEN_WITHIN = 14.0


@dataclass(frozen=True)
class Plane:
    """Pixel coordinates from -1 to 1: `x` to the right, `y` down, both (size, size)."""

    x: Field
    y: Field

    @classmethod
    def square(cls, size: int) -> Plane:
        axis = (np.arange(size) + 0.5) / size * 2 - 1
        y, x = np.meshgrid(axis, axis, indexing="ij")
        return cls(x=x, y=y)

    @property
    def size(self) -> int:
        return len(self.x)

    def __getitem__(self, part: Part) -> Plane:
        return Plane(x=self.x[part], y=self.y[part])

    def part(self, x: tuple[float, float], y: tuple[float, float]) -> Part:
        """The rows and columns that hold all of this, also where the plane is tilted."""
        columns = (self.x.max(axis=0) >= x[0]) & (self.x.min(axis=0) <= x[1])
        rows = (self.y.max(axis=1) >= y[0]) & (self.y.min(axis=1) <= y[1])
        return _from_first_to_last(rows), _from_first_to_last(columns)


def _from_first_to_last(flags: NDArray[np.bool_]) -> slice:
    places = np.flatnonzero(flags)
    return slice(int(places[0]), int(places[-1]) + 1) if len(places) else slice(0)


def soft(signed: Field, width: float) -> Field:
    """1 where `signed` is well above 0, 0 well below, with an edge about `width` wide."""
    return np.asarray(0.5 + 0.5 * np.tanh(signed / width))


def ellipse(
    plane: Plane, cx: float, cy: float, rx: float, ry: float, *, angle: float = 0.0, edge: float = 0.02
) -> Field:
    """A filled ellipse with a soft edge."""
    width = edge / min(rx, ry)
    filled = np.zeros_like(plane.x)
    part = around(plane, cx, cy, rx, ry, angle=angle, reach=1 + SEEN_WITHIN * width)
    filled[part] = soft(1.0 - radius(plane[part], cx, cy, rx, ry, angle=angle), width)
    return filled


def around(plane: Plane, cx: float, cy: float, rx: float, ry: float, *, angle: float, reach: float) -> Part:
    """The part of the plane within `reach` elliptic distances of a centre."""
    c, s = np.cos(angle), np.sin(angle)
    across, down = reach * np.hypot(c * rx, s * ry), reach * np.hypot(s * rx, c * ry)
    return plane.part((cx - across, cx + across), (cy - down, cy + down))


def radius(plane: Plane, cx: float, cy: float, rx: float, ry: float, *, angle: float = 0.0) -> Field:
    """The elliptic distance from a centre, 1 on the ellipse itself."""
    c, s = np.cos(angle), np.sin(angle)
    dx, dy = plane.x - cx, plane.y - cy
    along, across = (c * dx + s * dy) / rx, (-s * dx + c * dy) / ry
    return np.asarray(np.sqrt(along * along + across * across))


def texture(plane: Plane, rng: np.random.Generator, scale: float) -> Field:
    """Smooth noise of mean 0 and deviation 1 whose grains are about `scale` of the plane wide."""
    noise = ndimage.gaussian_filter(rng.normal(size=plane.x.shape), scale * plane.size / 2, mode="wrap")
    return np.asarray((noise - noise.mean()) / noise.std())


def wobble(angle: Field, rng: np.random.Generator, *, amount: float, waves: int = 4) -> Field:
    """A smooth random factor around 1 along a closed outline, so that no two outlines are alike."""
    out = np.ones_like(angle)
    for k in range(1, waves + 1):
        out += amount / k * rng.normal() * np.cos(k * angle + rng.uniform(0, 2 * np.pi))
    return out


def vessels(
    plane: Plane,
    rng: np.random.Generator,
    *,
    roots: Sequence[tuple[float, float, float]],
    angle_range: float,
    length: float,
    thickness: float,
    depth: int,
    survival: float = 1.0,
) -> Field:
    """Branching trees of vessels, thinning as they go; 1 on the thickest branch.

    A root is a place and a heading (x, y, radians); `survival` is the share of branches that go on.
    """
    layers = [np.zeros_like(plane.x) for _ in range(depth)]
    stack = [(x, y, heading + angle_range * rng.uniform(-1, 1), length, 0) for x, y, heading in roots]
    while stack:
        x, y, heading, reach, level = stack.pop()
        steps = max(2, int(reach * plane.size / 2))
        bend = rng.normal(0, 0.5) * np.linspace(0, 1, steps)
        xs = x + np.cumsum(np.cos(heading + bend)) * reach / steps
        ys = y + np.cumsum(np.sin(heading + bend)) * reach / steps
        _stamp(layers[level], xs, ys)
        if level + 1 < depth:
            for turn in (rng.uniform(-0.8, -0.15), rng.uniform(0.15, 0.8)):
                if level == 0 or rng.random() < survival:
                    further = heading + bend[-1] + turn
                    stack.append((xs[-1], ys[-1], further, reach * rng.uniform(0.6, 0.85), level + 1))
    return _thicken(layers, plane.size, thickness)


def _stamp(layer: Field, xs: Field, ys: Field) -> None:
    size = len(layer)
    columns = ((xs + 1) / 2 * size).astype(int)
    rows = ((ys + 1) / 2 * size).astype(int)
    inside = (columns >= 0) & (columns < size) & (rows >= 0) & (rows < size)
    layer[rows[inside], columns[inside]] = 1.0


def _thicken(layers: list[Field], size: int, thickness: float) -> Field:
    tree = np.zeros_like(layers[0])
    for level, layer in enumerate(layers):
        sigma = max(0.45, thickness * 0.72**level * size / 4)
        line_peak = 1 / (np.sqrt(2 * np.pi) * sigma)  # of a one-pixel line after the blur
        blurred = ndimage.gaussian_filter(layer, sigma) / line_peak
        tree = np.maximum(tree, np.minimum(blurred, 1.0) * 0.82**level)
    return tree


def specks(plane: Plane, rng: np.random.Generator, *, count: int, width: float) -> Field:
    """Small bright dots inside the ellipse of the chest, as vessels that cross a slice; 1 at the brightest."""
    layer = np.zeros_like(plane.x)
    angle, reach = rng.uniform(0, 2 * np.pi, count), np.sqrt(rng.uniform(0, 1, count))
    _stamp(layer, 0.72 * reach * np.cos(angle), 0.45 * reach * np.sin(angle))
    sigma = max(0.5, width * plane.size / 4)
    return np.asarray(np.minimum(ndimage.gaussian_filter(layer, sigma) * 2 * np.pi * sigma**2, 1.0))
