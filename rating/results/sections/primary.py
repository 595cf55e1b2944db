"""The declared primary result: the answer first, with its interval, n, method and verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rating.results.display_names import POLICIES
from rating.results.drawing import estimates_figure
from rating.results.exhibit import ESTIMATE, Cell, Exhibit, Table, estimate_cells, of_any
from rating.results.study_results import BLINDED, PrimaryResult, StudyResults, TruthResults
from rating.statistics.accuracy.forced_choice import ForcedChoice
from rating.statistics.agreement.report import AgreementReport
from rating.statistics.estimate import Estimate
from rating.statistics.mrmc.moments import RandomMean

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pool.figure_style import Theme

ALPHA = "krippendorff_alpha"
NO_MARGIN = "No margin was declared, so nothing is concluded of “indistinguishable”."
NOT_SHOWN = "Not shown to differ from guessing; that is not the same as indistinguishable."
VERDICTS = {True: "Within the declared margin.", False: "Not shown to be within the declared margin."}


def primary_result(
    endpoint: str,
    policy: str,
    agreement: AgreementReport,
    truth: TruthResults | None,
    choice: ForcedChoice | None,
) -> PrimaryResult | None:
    """The result of the declared endpoint; None where none was declared, or while it depends on a truth not known."""
    if choice is not None:
        return _of_choice(choice, agreement) if choice.accuracy else None
    if endpoint == "agreement":
        alpha = agreement.coefficients[ALPHA]
        method = "these raters; Student's t over images, linearised standard error"
        sizes = agreement.raters, agreement.images, agreement.ratings
        return PrimaryResult(endpoint, "Krippendorff's α of these raters", alpha, *sizes, method, "")
    if truth is None:
        return None
    averages = {
        "fool rate": ("Share of fakes called real (“unsure” is not “real”)", truth.fool_rate),
        "auc": ("AUC over real < unsure < fake", truth.auc.u_statistic),
        "accuracy": (
            f"Share of images called what they are, “unsure” {POLICIES[policy]}",
            truth.policy(policy).accuracy,
        ),
    }
    if endpoint not in averages:
        return None
    name, average = averages[endpoint]
    images, ratings = _sizes(endpoint, policy, truth)
    verdict = _verdict(endpoint, average, truth)
    return PrimaryResult(
        endpoint,
        name,
        average.primary,
        agreement.raters,
        images,
        ratings,
        average.primary_method,
        verdict,
    )


def _sizes(endpoint: str, policy: str, truth: TruthResults) -> tuple[int, int]:
    """The images and ratings that the number is of: of a fool rate the fakes, without “unsure” where it is left out."""
    kinds = ("fake",) if endpoint == "fool rate" else ("real", "fake")
    labels = (
        ("real", "fake") if endpoint == "accuracy" and policy == "exclude" else ("real", "fake", "unsure")
    )
    ratings = sum(
        row.table[kind].get(label, 0) for row in truth.per_rater for kind in kinds for label in labels
    )
    return truth.fakes + (truth.reals if "real" in kinds else 0), ratings


def _of_choice(choice: ForcedChoice, agreement: AgreementReport) -> PrimaryResult | None:
    if choice.accuracy is None:
        return None
    average = choice.accuracy.over_raters
    verdict = _against(average.p(choice.chance), average.primary, choice.chance)
    name = f"Share of sets in which the image was found (guessing: {choice.chance:g})"
    sizes = agreement.raters, agreement.images, agreement.ratings
    return PrimaryResult("found", name, average.primary, *sizes, average.primary_method, verdict)


def _verdict(endpoint: str, average: RandomMean, truth: TruthResults) -> str:
    test = next((row.test for row in truth.equivalence.tests if row.of == endpoint), None)
    if test is not None and test.equivalent is not None:
        return VERDICTS[test.equivalent]
    if test is not None and test.reason:
        return test.reason
    return _against(average.p(0.5), average.primary, 0.5) if endpoint == "auc" else NO_MARGIN


def _against(p: float | None, value: Estimate, chance: float) -> str:
    """What a test against guessing allows to say."""
    if p is None or value.estimate is None:
        return "No test against guessing is possible."
    if p >= 0.05:
        return NOT_SHOWN
    direction = "better" if value.estimate > chance else "worse"
    return f"Raters do {direction} than guessing (p {'< 0.001' if p < 0.001 else f'= {p:.3f}'})."


def sentence(results: StudyResults) -> str:
    """The result in one line."""
    primary = results.primary
    if primary is None:
        return f"Declared primary result: {_why_none(results)}"
    value = primary.estimate
    number = f"none. {value.reason}"
    if value.estimate is not None:
        interval = f"95 % interval {value.ci[0]:.3f} to {value.ci[1]:.3f}" if value.ci else "no interval"
        number = f"{value.estimate:.3f} ({interval}; {primary.method})"
    return f"Declared primary result. {primary.name}: {number.rstrip('.')}. {primary.sizes}. {primary.verdict}".strip()


def _why_none(results: StudyResults) -> str:
    blinded = results.arena.standing is None if results.arena else results.truth is None
    return BLINDED if blinded else "no primary endpoint was declared."


def table(results: StudyResults) -> Table:
    primary = results.primary
    if primary is None:
        raise ValueError(_why_none(results))
    row: list[Cell] = [
        *(primary.name, *estimate_cells(primary.estimate)[:-1]),
        *(primary.raters, primary.images, primary.ratings),
    ]
    head = ("Declared primary result", *ESTIMATE[:-1], "Raters", "Images", "Ratings")
    notes = [f"Method: {primary.method}.", primary.verdict, primary.estimate.reason or ""]
    return Table(head, [row], [note for note in notes if note])


def draw(results: StudyResults, theme: Theme) -> Figure:
    """The estimate with its interval, and guessing as a dashed line where it has a value."""
    primary = results.primary
    if primary is None:
        raise ValueError(_why_none(results))
    return estimates_figure([("All raters", primary.estimate)], theme, primary.name, chance=_chance(results))


def _chance(results: StudyResults) -> float | None:
    if results.forced_choice is not None:
        return results.forced_choice.chance
    return 0.5 if results.primary is not None and results.primary.endpoint in {"auc", "strength"} else None


EXHIBIT = Exhibit(
    "primary",
    "The declared primary result",
    table,
    draw,
    missing=lambda results: _why_none(results) if results.primary is None else None,
    words="What the study set out to measure, as declared before unblinding.",
    fits=of_any,
)
