"""The nearest rows are found exactly."""

from __future__ import annotations

import numpy as np
import pytest

from generation.metrics.nearest import nearest


def test_neighbours_are_those_of_a_plain_search_over_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    dice = np.random.default_rng(0)
    queries, references = dice.normal(size=(25, 6)), dice.normal(size=(40, 6))
    monkeypatch.setattr("generation.metrics.nearest.BLOCK", 7)

    found = nearest(queries, references, k=3)

    every = np.linalg.norm(queries[:, None] - references, axis=2)
    assert np.array_equal(found.places, every.argsort(axis=1)[:, :3])
    assert found.distances == pytest.approx(np.sort(every, axis=1)[:, :3], rel=1e-5)


def test_a_copy_far_from_the_origin_is_at_distance_zero() -> None:
    rows = 1000 + np.random.default_rng(0).normal(size=(30, 64))

    found = nearest(rows[[4]], rows, k=2)

    assert found.places[0, 0] == 4
    assert found.distances[0, 0] == 0
    assert found.distances[0, 1] > 1


def test_an_image_is_not_its_own_neighbour_when_both_lists_are_one() -> None:
    rows = np.array([[0.0], [1.0], [3.0]])

    found = nearest(rows, rows, leave_self_out=True, k=9)

    assert found.places.tolist() == [[1, 2], [0, 2], [1, 0]]


def test_an_empty_list_has_no_neighbours() -> None:
    assert nearest(np.zeros((2, 3)), np.zeros((0, 3))).places.shape == (2, 0)
