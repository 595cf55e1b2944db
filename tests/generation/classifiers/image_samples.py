"""Images whose class a small network learns in a moment: the second class wears a bright square."""

from __future__ import annotations

import numpy as np

from generation.classifiers.fitting import Budget, Labelled

QUICK = Budget(steps=30, batch=16, learning_rate=3e-3, augment=False)
MARKER = 12


def marked(count: int, *, size: int = 48, colour: bool = False, seed: int = 0) -> Labelled:
    """Noise in turn without and with a marker somewhere; `places_of` tells where."""
    dice = np.random.default_rng(seed)
    shape = (count, size, size, 3) if colour else (count, size, size)
    squares = dice.integers(0, 60, shape, dtype=np.uint8)
    numbers = np.arange(count) % 2
    for square, number, (top, left) in zip(squares, numbers, places_of(count, size=size), strict=True):
        if number:
            square[top : top + MARKER, left : left + MARKER] = 250
    return Labelled(squares, numbers)


def places_of(count: int, *, size: int = 48) -> list[tuple[int, int]]:
    dice = np.random.default_rng(7)
    return [(int(y), int(x)) for y, x in dice.integers(0, size - MARKER, (count, 2))]
