"""Standard errors by formula against the plain jackknife, which needs no formula."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from rating.statistics import LABELS, RatingsTable
from rating.statistics.agreement.alpha import alpha
from rating.statistics.agreement.coefficients import COEFFICIENTS, Items, coefficients
from rating.statistics.agreement.conger import conger_kappa
from rating.statistics.agreement.pairs import light_kappa
from rating.statistics.agreement.random_raters import random_raters
from rating.statistics.agreement.weights import WEIGHTS
from rating.statistics.estimate import Estimate

pytestmark = pytest.mark.filterwarnings("error")


def simulated(raters: int, images: int, missing: float) -> np.ndarray:
    """Codes of raters who agree somewhat, some more than others, every image rated twice or more."""
    rng = np.random.default_rng(11)
    common = rng.integers(0, 3, images)
    codes = np.where(rng.random((raters, images)) < np.linspace(0.3, 0.8, raters)[:, None], common, 0)
    codes = np.where(rng.random(codes.shape) < 0.2, rng.integers(0, 3, codes.shape), codes)
    codes[2:][rng.random((raters - 2, images)) < missing] = -1
    return codes.astype(np.int8)


def counts_of(codes: np.ndarray) -> np.ndarray:
    return np.stack([(codes == k).sum(axis=0) for k in range(3)], axis=1)


def jackknife(estimate: Callable[[np.ndarray], Estimate], codes: np.ndarray, axis: int) -> float:
    """The standard error from leaving out one rater (axis 0) or one image (axis 1) at a time."""
    n = codes.shape[axis]
    values = np.array(
        [estimate(np.delete(codes, at, axis=axis)).estimate for at in range(n)], dtype=np.float64
    )
    return float(np.sqrt((n - 1) / n * ((values - values.mean()) ** 2).sum()))


def by_name(name: str, codes: np.ndarray) -> Estimate:
    return coefficients(counts_of(codes))[name]


ESTIMATES: dict[str, Callable[[np.ndarray], Estimate]] = {
    **{name: partial(by_name, name) for name in COEFFICIENTS},
    "gwet_ac2 ordinal": lambda codes: COEFFICIENTS["gwet_ac1"](
        Items.of(counts_of(codes), WEIGHTS["ordinal"](3)), 0.95
    ),
    "conger": lambda codes: conger_kappa(codes, 3),
    "conger quadratic": lambda codes: conger_kappa(codes, 3, WEIGHTS["quadratic"](3)),
    "light": lambda codes: light_kappa(codes, 3),
}


@pytest.mark.parametrize("name", ESTIMATES)
def test_the_error_over_images_is_that_of_the_jackknife(name: str) -> None:
    codes = simulated(raters=5, images=120, missing=0.3)

    found = ESTIMATES[name](codes)

    assert found.se == pytest.approx(jackknife(ESTIMATES[name], codes, axis=1), rel=0.03)


@pytest.mark.parametrize("name", [*COEFFICIENTS, "light"])
def test_the_error_for_raters_like_these_adds_the_jackknife_over_raters(name: str) -> None:
    codes = simulated(raters=6, images=80, missing=0.2)
    table = RatingsTable(tuple("ABCDEF"), tuple(f"I{n}" for n in range(80)), LABELS, codes)

    found = random_raters(table)["light_kappa" if name == "light" else name]

    expected = np.hypot(ESTIMATES[name](codes).se or 0, jackknife(ESTIMATES[name], codes, axis=0))
    assert found.se == pytest.approx(expected)


@pytest.mark.parametrize("metric", ["nominal", "ordinal", "interval", "ratio"])
def test_the_error_of_alpha_by_its_metrics_is_the_jackknifes(metric: str) -> None:
    codes = simulated(4, 15, 0.2)

    estimate = alpha(counts_of(codes), metric)

    assert estimate.se == pytest.approx(jackknife(lambda rest: alpha(counts_of(rest), metric), codes, 1))
