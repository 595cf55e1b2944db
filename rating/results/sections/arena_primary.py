"""The declared result of an arena: how often one generator's image looks more real than another's."""

from __future__ import annotations

import scipy

from rating.results.study_results import PrimaryResult
from rating.statistics.accuracy.equivalence import tost
from rating.statistics.agreement.report import AgreementReport
from rating.statistics.arena.results import ArenaResults, Standing
from rating.statistics.arena.strengths import Contest, Difference
from rating.studies.sampling.generators import REAL_IMAGES

LIKE_THESE = (
    "Bradley and Terry's model for raters and pairs of images like these, sandwich over both, Student's t"
)
THESE = "Bradley and Terry's model for these raters, sandwich over pairs of images, Student's t"
FEW_RATERS = 2
FEW_DF = 30
SIGNIFICANT = 0.05


def arena_primary(
    arena: ArenaResults,
    versus: tuple[str, str] | None,
    margin: float | None,
    agreement: AgreementReport,
) -> PrimaryResult | None:
    """None while it is not told which generator made what, or where more than two compete and none was declared."""
    if arena.standing is None:
        return None
    contest = _declared(arena.standing, versus)
    if contest is None:
        return None
    is_of_these = agreement.raters <= FEW_RATERS
    of = contest.these_raters if is_of_these else contest.raters_like_these
    name = f"Share of decided answers in which “{contest.first}” looks more real than “{contest.second}” (alike: 0.5)"
    sizes = agreement.raters, agreement.images, agreement.ratings
    return PrimaryResult(
        "strength", name, of.share, *sizes, _method(of, is_of_these), _verdict(contest, of, margin)
    )


def _declared(standing: Standing, versus: tuple[str, str] | None) -> Contest | None:
    """Of two generators alone both are meant, real images as what the other is compared with."""
    if versus:
        return standing.contest(*versus)
    if len(standing.strengths.contests) != 1:
        return None
    (only,) = standing.strengths.contests
    return standing.contest(only.second, only.first) if only.first == REAL_IMAGES else only


def _method(of: Difference, is_of_these: bool) -> str:
    words = THESE if is_of_these else LIKE_THESE
    return f"{words} ({of.df:.1f} degrees of freedom)" if of.df is not None and of.df < FEW_DF else words


def _verdict(contest: Contest, of: Difference, margin: float | None) -> str:
    if of.p is None or of.log_odds.estimate is None:
        return "No test is possible."
    if margin is not None:
        bound = float(scipy.special.logit(0.5 + min(margin, 0.499)))
        test = tost(of.log_odds, -bound, bound, of.df)
        inside = "Within" if test.equivalent else "Not shown to be within"
        return f"{inside} the declared margin of {margin:g} around 0.5."
    if of.p >= SIGNIFICANT:
        return "Not shown to differ; that is not the same as alike."
    ahead, behind = contest.first, contest.second
    if of.log_odds.estimate < 0:
        ahead, behind = behind, ahead
    return f"“{ahead}” looks more real than “{behind}” (p {'< 0.001' if of.p < 0.001 else f'= {of.p:.3f}'})."
