"""How long did raters take?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pool.figure_style import panel
from rating.results.exhibit import INTERVAL, Cell, Exhibit, Table, of_any
from rating.results.study_results import StudyResults

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pool.figure_style import Theme

MOST_RATERS = 40
MEDIAN_NOTE = (
    "Interval of the median by order statistics, over ratings: those of one rater are taken as independent."
)
NO_TIMES = "No active time was measured."


def times(results: StudyResults) -> Table:
    groups = (
        ("All", {"": results.times.overall}),
        ("Label", results.times.by_label),
        ("Call", results.times.by_correctness),
        ("Rater", results.times.by_rater),
    )
    rows: list[list[Cell]] = [
        [kind, name, seconds.n, seconds.median, *(seconds.ci or (None, None)), seconds.q1, seconds.q3]
        for kind, group in groups
        for name, seconds in group.items()
        if seconds.n
    ]
    head = ("By", "Group", "n", "Median, s", *INTERVAL, "Lower quartile", "Upper quartile")
    return Table(head, rows, [MEDIAN_NOTE])


def draw_times(results: StudyResults, theme: Theme) -> Figure:
    """Medians with quartiles, by label, by correctness and by rater."""
    seconds = results.times
    groups = {"All": seconds.overall, **seconds.by_label, **seconds.by_correctness}
    if len(seconds.by_rater) <= MOST_RATERS:
        groups |= seconds.by_rater
    rows = [
        (name, part.n, part.median, part.q1, part.q3)
        for name, part in groups.items()
        if part.median is not None and part.q1 is not None and part.q3 is not None
    ]
    figure, (ax,) = panel(theme, height=1.2 + 0.3 * len(rows))
    for place, (_, _, median, q1, q3) in enumerate(rows):
        ax.plot([q1, q3], [place, place], color=theme.accent, linewidth=3)
        ax.plot([median], [place], "o", color=theme.ink)
    ax.set_yticks(range(len(rows)), [f"{name} (n {n})" for name, n, *_ in rows])
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlim(left=0)
    ax.set_xlabel("Seconds per case: median and quartiles")
    ax.grid(axis="x", color=theme.line, linewidth=0.6)
    return figure


EXHIBITS = (
    Exhibit(
        "time",
        "Time per case",
        times,
        draw_times,
        missing=lambda results: None if results.times.overall.n else NO_TIMES,
        words="Active seconds on an image, breaks left out; medians, because some cases take very long.",
        fits=of_any,
    ),
)
