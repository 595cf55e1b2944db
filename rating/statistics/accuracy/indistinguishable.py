"""Whether fakes cannot be told from real images: each endpoint against the margin declared before unblinding."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rating.statistics.accuracy.equivalence import Equivalence, tost
from rating.statistics.arrays import Flags, Floats
from rating.statistics.estimate import Estimate
from rating.statistics.mrmc import fixed_raters, ustatistic
from rating.statistics.mrmc.moments import RandomMean

NO_MARGIN = (
    "No equivalence margin was declared before unblinding, so nothing can be said of “indistinguishable”."
)


POLICY_MOVES_CHANCE = (
    "With “unsure” counted as {policy}, the accuracy of a rater who guesses depends on how often they are unsure, so a margin "
    "around one half has no meaning: declare “half” or “exclude”, or the AUC or the fool rate as endpoint."
)
AUC_IS_NOT = (
    "Within the margin by itself, but the AUC is not shown to be, so raters may well tell the two apart."
)
CHANCE_IS_KNOWN = (
    "half",
    "exclude",
)  # the policies under which a guesser is right half the time, however often unsure


def why_untestable(endpoint: str, policy: str) -> str | None:
    """Why equivalence of this endpoint cannot be tested under the policy; None where it can."""
    if endpoint == "accuracy" and policy not in CHANCE_IS_KNOWN:
        return POLICY_MOVES_CHANCE.format(policy=policy)
    return None


@dataclass(frozen=True, slots=True)
class EndpointTest:
    """One endpoint against its margin: low and high are the margin around what a guesser has."""

    of: str
    estimate: Estimate
    method: str
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
    policy: str,
) -> EquivalenceTests:
    """Two one-sided tests of the averaged AUC, and of the declared endpoint where it is another one.

    calls: called real and rated; rightness: how right each call is and which count; all raters × images. Whoever cannot
    tell fakes apart calls as many of them real as of the real images. On the mean of both they are right half the time,
    but only under a policy for “unsure” that gives a guess half its worth. No endpoint is within its margin while the AUC
    is not.
    """
    if margin is None:
        return EquivalenceTests(None, (), NO_MARGIN)
    of_area = _test("auc", area, 0.5, margin)
    if endpoint == "fool rate":
        declared = _test("fool rate", fool_rate_gap(*calls, fake), 0.0, margin)
    elif endpoint == "accuracy":
        declared = _test("accuracy", balanced_accuracy(*rightness, fake), 0.5, margin)
        if reason := why_untestable(endpoint, policy):
            declared = replace(declared, test=Equivalence(None, None, None, None, None, reason))
    else:
        return EquivalenceTests(margin, (of_area,), None)
    if declared.test.equivalent and not of_area.test.equivalent:
        declared = replace(declared, test=replace(declared.test, equivalent=False, reason=AUC_IS_NOT))
    return EquivalenceTests(margin, (declared, of_area), None)


def fool_rate_gap(real: Flags, rated: Flags, fake: Flags) -> RandomMean:
    """The share of fakes called real less that of real images called real: 0 of whoever guesses, however often unsure."""
    gap = ustatistic.nested_difference(real[:, fake], rated[:, fake], real[:, ~fake], rated[:, ~fake])
    sides = [fixed_raters.share(real[:, kind], rated[:, kind]) for kind in (fake, ~fake)]
    if sides[0] is None or sides[1] is None:
        return gap
    return replace(gap, these_raters=fixed_raters.difference(sides[0], sides[1]))


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
    these = fixed_raters.balanced(right, counted, fake)
    return replace(youden, estimate=halved, these_raters=these.estimate() if these else None)


def _test(of: str, average: RandomMean, chance: float, margin: float) -> EndpointTest:
    low, high = chance - margin, chance + margin
    value = average.primary
    return EndpointTest(
        of, value, average.primary_method, low, high, tost(value, low, high, average.primary_df)
    )
