"""The nearest of many rows of features to each of many others, by brute force in blocks: exact, and quick enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generation.metrics.kernels import Rows, squared_distances

BLOCK = 1_000


@dataclass(frozen=True)
class Neighbours:
    """For each query its k nearest references, nearest first: (n, k) distances and places."""

    distances: NDArray[np.float64]
    places: NDArray[np.int64]


def nearest(
    queries: Rows,
    references: Rows,
    *,
    k: int = 1,
    leave_self_out: bool = False,
    heartbeat: Callable[[], None] = lambda: None,
) -> Neighbours:
    """The k nearest references (Euclidean) of every query; ties go to the earlier one.

    `leave_self_out` says that both are the same list and no image is its own neighbour.
    """
    query_rows, reference_rows = (
        np.ascontiguousarray(rows, dtype=np.float32) for rows in (queries, references)
    )
    k = min(k, len(reference_rows) - leave_self_out)
    distances, places = (
        np.empty((len(query_rows), max(k, 0))),
        np.empty((len(query_rows), max(k, 0)), dtype=np.int64),
    )
    if k < 1:
        return Neighbours(distances, places)
    for start in range(0, len(query_rows), BLOCK):
        stop = min(start + BLOCK, len(query_rows))
        squared = squared_distances(query_rows[start:stop], reference_rows)
        if leave_self_out:
            squared[np.arange(stop - start), np.arange(start, stop)] = np.inf
        smallest = _smallest(squared, k)
        # One matrix product rounds away small distances, and copies are what is looked for: measured again.
        exact = np.linalg.norm(
            query_rows[start:stop, None].astype(np.float64) - reference_rows[smallest], axis=2
        )
        order = np.lexsort((smallest, exact), axis=1)
        places[start:stop] = np.take_along_axis(smallest, order, axis=1)
        distances[start:stop] = np.take_along_axis(exact, order, axis=1)
        heartbeat()
    return Neighbours(distances, places)


def _smallest(squared: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    if k == 1:
        return np.asarray(squared.argmin(axis=1)[:, None], dtype=np.int64)
    return np.asarray(np.argpartition(squared, k - 1, axis=1)[:, :k], dtype=np.int64)
