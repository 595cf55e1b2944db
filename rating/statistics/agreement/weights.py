"""How near two labels are: agreement weights, 1 on the diagonal and less the further apart."""

from collections.abc import Callable

import numpy as np

from rating.statistics.arrays import Floats


def identity(q: int) -> Floats:
    """Only the same label agrees (nominal scale)."""
    return np.eye(q)


def linear(q: int) -> Floats:
    """1 - |k - l| / (q - 1)."""
    return 1 - _distance(q) / (q - 1)


def quadratic(q: int) -> Floats:
    """1 - (k - l)² / (q - 1)²."""
    return 1 - _distance(q) ** 2 / (q - 1) ** 2


def ordinal(q: int) -> Floats:
    """Gwet's ordinal weights: 1 - C(|k - l| + 1, 2) / C(q, 2) (Gwet, Handbook of Inter-Rater Reliability, 2014).

    Not Krippendorff's ordinal metric, which depends on how often each label was used: see `alpha.py`.
    """
    d = _distance(q)
    return 1 - d * (d + 1) / (q * (q - 1))


def _distance(q: int) -> Floats:
    position = np.arange(q, dtype=np.float64)
    return np.abs(position[:, None] - position)


WEIGHTS: dict[str, Callable[[int], Floats]] = {
    "identity": identity,
    "linear": linear,
    "quadratic": quadratic,
    "ordinal": ordinal,
}
