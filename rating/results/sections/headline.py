"""The declared primary result as the first thing of a page or report: one number, one sentence, and four beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pool.figure_style import WIDTH
from rating.results.display_names import counted
from rating.results.drawing import estimates_height
from rating.results.exhibit import as_text
from rating.results.sections.primary import ALPHA
from rating.results.study_results import PrimaryResult, StudyResults, TruthResults

TRUTHS = {"fake": "Fakes", "real": "Real images"}


@dataclass(frozen=True, slots=True)
class Stat:
    """A number beside the declared one, with what it is out of."""

    title: str
    number: str
    out_of: str


@dataclass(frozen=True, slots=True)
class Headline:
    primary: PrimaryResult
    stats: list[Stat]

    @property
    def number(self) -> str:
        return as_text(self.primary.estimate.estimate)

    @property
    def interval(self) -> str:
        ci = self.primary.estimate.ci
        return f"95 % interval {as_text(ci[0])} to {as_text(ci[1])}" if ci else "no interval"

    @property
    def figure_size(self) -> tuple[int, int]:
        """Width and height that the page holds free for the figure, so that nothing moves when it comes."""
        return round(100 * WIDTH), round(100 * estimates_height(1))


def headline_of(results: StudyResults) -> Headline | None:
    return Headline(results.primary, list(_stats(results))) if results.primary else None


def _stats(results: StudyResults) -> Iterator[Stat]:
    for truth, label in (("fake", "real"), ("real", "fake")):
        if results.truth and (called := _called(results.truth, truth, label))[1]:
            count, rated = called
            title = f"{TRUTHS[truth]} called {label}"
            yield Stat(title, f"{100 * count / rated:.0f} %", f"{count} of {rated} ratings, pooled")
    alpha = results.agreement.coefficients.get(ALPHA)
    if alpha and alpha.estimate is not None:
        between = f"{as_text(alpha.ci[0])} to {as_text(alpha.ci[1])}" if alpha.ci else "no interval"
        yield Stat("Agreement, Krippendorff's α", as_text(alpha.estimate), between)
    agreement = results.agreement
    yield Stat(
        "Ratings",
        f"{agreement.ratings:,}",
        f"{counted(agreement.raters, 'rater')}, {counted(agreement.images, 'image')}",
    )


def _called(truth: TruthResults, kind: str, label: str) -> tuple[int, int]:
    """How often images of this kind got this label, and how often any."""
    tables = [row.table[kind] for row in truth.per_rater]
    return sum(table.get(label, 0) for table in tables), sum(sum(table.values()) for table in tables)
