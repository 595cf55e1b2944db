"""Whether fakes cannot be told from real images: each endpoint against the margin declared before unblinding."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rating.statistics.accuracy.equivalence import Equivalence, tost
from rating.statistics.arrays import Flags, Floats
from rating.statistics.estimate import Estimate
from rating.statistics.mrmc import ustatistic
from rating.statistics.mrmc.moments import RandomMean

NO_MARGIN = (
    "No equivalence margin was declared before unblinding, so nothing can be said of “indistinguishable”."
)


@dataclass(frozen=True, slots=True)
class EndpointTest:
    """One endpoint against its margin: low and high are the margin around what a guesser has."""

    of: str
    estimate: Estimate
    low: float
    high: float
    test: Equivalence


@dataclass(frozen=True, slots=True)
class EquivalenceTests:
    """The tests against the declared margin, the declared endpoint's first; none, with the reason, without a margin."""

    margin: float | None
    tests: tuple[EndpointTest, ...]
    reason: str | None


def equivalence_tests(
    area: RandomMean,
    calls: tuple[Flags, Flags],
    rightness: tuple[Floats, Flags],
    fake: Flags,
    *,
    margin: float | None,
    endpoint: str,
) -> EquivalenceTests:
    """Two one-sided tests of the averaged AUC, and of the declared endpoint where it is another one.

    calls: called real and rated; rightness: how right each call is and which count; all raters × images. Whoever cannot
    tell fakes apart calls as many of them real as of the real images, and is right half the time on the mean of both.
    """
    if margin is None:
        return EquivalenceTests(None, (), NO_MARGIN)
    tests = [_test("auc", area, 0.5, margin)]
    if endpoint == "fool rate":
        real, rated = calls
        gap = ustatistic.nested_difference(real[:, fake], rated[:, fake], real[:, ~fake], rated[:, ~fake])
        tests.insert(0, _test("fool rate", gap, 0.0, margin))
    if endpoint == "accuracy":
        tests.insert(0, _test("accuracy", balanced_accuracy(*rightness, fake), 0.5, margin))
    return EquivalenceTests(margin, tuple(tests), None)


def balanced_accuracy(right: Floats, counted: Flags, fake: Flags) -> RandomMean:
    """The mean of sensitivity and specificity over raters and images like these, whatever the share of fakes."""
    youden = ustatistic.nested_difference(
        right[:, fake], counted[:, fake], 1 - right[:, ~fake], counted[:, ~fake]
    )
    value = youden.estimate
    if value.estimate is None:
        return youden
    halved = replace(
        value,
        estimate=0.5 + value.estimate / 2,
        se=None if value.se is None else value.se / 2,
        ci=None if value.ci is None else (0.5 + value.ci[0] / 2, 0.5 + value.ci[1] / 2),
    )
    return replace(youden, estimate=halved)


def _test(of: str, average: RandomMean, chance: float, margin: float) -> EndpointTest:
    low, high = chance - margin, chance + margin
    return EndpointTest(of, average.estimate, low, high, tost(average.estimate, low, high, average.df))
