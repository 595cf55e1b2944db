"""Did raters learn or tire along the sitting?"""

from __future__ import annotations

from math import exp
from typing import TYPE_CHECKING

from pool.figure_style import legend, panel
from rating.results.exhibit import ESTIMATE, INTERVAL, Cell, Exhibit, Table, estimate_cells, rate_cells
from rating.results.study_results import StudyResults
from rating.statistics.estimate import Estimate
from rating.statistics.order_effects import OrderEffects, Quarter

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pool.figure_style import Theme


def _of(results: StudyResults) -> OrderEffects:
    if results.order_effects is None:
        raise ValueError("Order effects are of studies of single images.")
    return results.order_effects


def position(results: StudyResults) -> Table:
    rows: list[list[Cell]] = [
        [
            *(row.quarter, row.ratings, *rate_cells(row.called_fake)),
            *(rate_cells(row.right) if row.right else [None, None, None]),
            *(row.seconds.median, row.seconds.q1, row.seconds.q3),
        ]
        for row in _of(results).quarters
    ]
    head = (
        *("Quarter", "Ratings", "Called fake", *INTERVAL, "Called right", *INTERVAL),
        *("Median, s", "Quartiles, s", "and"),
    )
    note = "Intervals of a quarter are Wilson's over its ratings, for orientation only; the trend below is the test."
    return Table(head, rows, [note])


def draw_position(results: StudyResults, theme: Theme) -> Figure:
    """Each quarter of the sitting: called fake, called right, and time."""
    quarters = _of(results).quarters
    timed = any(row.seconds.n for row in quarters)
    figure, axes = panel(theme, height=3, columns=2 if timed else 1)
    _draw_shares(axes[0], [(row.quarter, row.called_fake) for row in quarters], theme.fake, "called fake")
    if quarters[0].right is not None:
        shares = [(row.quarter, row.right) for row in quarters if row.right is not None]
        _draw_shares(axes[0], shares, theme.real, "called right")
    axes[0].set_ylim(0, 1)
    axes[0].set_ylabel("Share of ratings")
    legend(axes[0], theme, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2)
    if timed:
        _draw_seconds(axes[1], quarters, theme)
    for ax in axes:
        ax.set_xticks(range(1, 5))
        ax.set_xlabel("Quarter of the sitting")
    return figure


def _draw_shares(ax: Axes, shares: list[tuple[int, Estimate]], colour: str, name: str) -> None:
    rows = [
        (quarter, share.estimate, *share.ci)
        for quarter, share in shares
        if share.estimate is not None and share.ci is not None
    ]
    x, middle, low, high = ([row[at] for row in rows] for at in range(4))
    ax.plot(x, middle, "o-", color=colour, label=name)
    ax.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)


def _draw_seconds(ax: Axes, quarters: tuple[Quarter, ...], theme: Theme) -> None:
    rows = [
        (row.quarter, row.seconds.median, row.seconds.q1, row.seconds.q3)
        for row in quarters
        if row.seconds.median is not None and row.seconds.q1 is not None and row.seconds.q3 is not None
    ]
    x, middle, low, high = ([row[at] for row in rows] for at in range(4))
    ax.plot(x, middle, "o-", color=theme.ink)
    ax.fill_between(x, low, high, color=theme.accent, alpha=0.3, linewidth=0)
    ax.set_ylim(bottom=0)
    ax.set_ylabel("Seconds: median and quartiles")


def trend(results: StudyResults) -> Table:
    effects = _of(results)
    rows: list[list[Cell]] = [
        ["Seconds per image, last as a multiple of first", *ratio_cells(effects.log_seconds)]
    ]
    if effects.right is not None:
        rows.append(["Share called right, last less first", *estimate_cells(effects.right)])
    note = "One least-squares slope per rater (of the logarithm of the seconds), then their mean with Student's t over raters."
    return Table(("Change along the sitting", *ESTIMATE), rows, [note])


def ratio_cells(value: Estimate) -> list[Cell]:
    """A difference of logarithms as the ratio people can read; its standard error would be of the logarithm."""
    low, high = value.ci or (None, None)
    return [
        *(None if value.estimate is None else exp(value.estimate), None),
        *(None if edge is None else exp(edge) for edge in (low, high)),
        value.reason or "",
    ]


EXHIBITS = (
    Exhibit(
        "position",
        "Along the sitting",
        position,
        draw_position,
        words="Labels and time in each quarter of a rater's own order.",
    ),
    Exhibit(
        "trend",
        "Learning and fatigue",
        trend,
        words="Whether raters grow quicker, better or worse on the way: an interval of seconds that holds 1, or of shares that "
        "holds 0, shows neither.",
    ),
)
