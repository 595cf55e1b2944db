"""Precision, recall, density and coverage on clouds whose answer is known, and against the definition itself."""

from __future__ import annotations

import numpy as np
import pytest

from generation.metrics import prdc
from generation.metrics.prdc import cover


def clouds(shift: float, *, n: int = 60, m: int = 50) -> tuple[np.ndarray, np.ndarray]:
    dice = np.random.default_rng(3)
    return dice.normal(size=(n, 4)), dice.normal(shift, size=(m, 4))


@pytest.mark.parametrize("shift", [0.0, 1.0, 2.5])
def test_the_four_numbers_are_those_of_the_published_definitions(
    shift: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Naeem et al. 2020, eq. 2 to 5, written out with loops over all pairs."""
    monkeypatch.setattr(prdc, "ROWS_AT_ONCE", 7)  # so that blocks meet in the middle of things
    real, fake = clouds(shift)
    k = 5

    def reach(rows: np.ndarray, i: int) -> float:
        return float(sorted(np.linalg.norm(rows - rows[i], axis=1))[k])

    real_reach = [reach(real, i) for i in range(len(real))]
    fake_reach = [reach(fake, j) for j in range(len(fake))]
    apart = [[float(np.linalg.norm(x - y)) for y in fake] for x in real]
    inside = np.array([[apart[i][j] <= real_reach[i] for j in range(len(fake))] for i in range(len(real))])
    near = np.array([[apart[i][j] <= fake_reach[j] for j in range(len(fake))] for i in range(len(real))])

    found = cover(real, fake, neighbours=k)

    assert found.precision.tolist() == inside.any(axis=0).tolist()
    assert found.recall.tolist() == near.any(axis=1).tolist()
    assert found.coverage.tolist() == inside.any(axis=1).tolist()
    assert found.density.mean() == pytest.approx(inside.sum() / (k * len(fake)))


def test_far_fakes_are_neither_precise_nor_do_they_cover() -> None:
    found = cover(*clouds(50.0))

    assert found.precision.mean() == found.recall.mean() == found.coverage.mean() == found.density.mean() == 0


def test_one_fake_again_and_again_is_precise_but_covers_little() -> None:
    real, _ = clouds(0.0)
    fake = np.repeat(real[:1], 50, axis=0) + np.random.default_rng(1).normal(0, 1e-3, (50, 4))

    found = cover(real, fake)

    assert found.precision.mean() == 1
    assert found.coverage.mean() < 0.3
    assert found.recall.mean() < 0.1


def test_fewer_images_than_neighbours_are_refused_in_words() -> None:
    real, fake = clouds(0.0)

    with pytest.raises(ValueError, match="more than 5 images of each arm"):
        cover(real, fake[:5])
