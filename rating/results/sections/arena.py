"""An arena: which generator looks more real, by how much, and whether one scale, all raters and both sides bear it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pool.figure_style import matplotlib, panel
from rating.results.drawing import estimates_figure
from rating.results.exhibit import (
    ESTIMATE,
    INTERVAL,
    Cell,
    Exhibit,
    Table,
    of_arena,
    p_cell,
    rate_cells,
)
from rating.results.study_results import BLINDED, StudyResults
from rating.statistics.arena.results import ArenaResults, Standing
from rating.statistics.arena.strengths import Difference

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pool.figure_style import Theme

HOW = (
    "95 % intervals. Bradley and Terry's model, ties by Davidson: log odds, of all generators together 0. These raters: pairs of images are the "
    "sample (sandwich over pairs, Student's t). Raters like these: raters are sampled too (two-way sandwich; Cameron, Gelbach "
    "& Miller 2011, Satterthwaite's degrees of freedom)."
)
RANKS = "Ranks, 1 the most real: from … to, as far as the differences allow with p adjusted by Holm at 0.05."
MULTIPLE = "p adjusted by Holm over all these pairs; one pair alone is the declared primary result."
GREY_ABOVE = 0.6


def _arena(results: StudyResults) -> ArenaResults:
    if results.arena is None:
        raise ValueError("The study is no arena.")
    return results.arena


def _standing(results: StudyResults) -> Standing:
    standing = _arena(results).standing
    if standing is None:
        raise ValueError(BLINDED)
    return standing


def _blinded(results: StudyResults) -> str | None:
    return BLINDED if _arena(results).standing is None else None


def _no_strengths(results: StudyResults) -> str | None:
    return _blinded(results) or _standing(results).strengths.reason


def _ranks(ranks: tuple[int, int] | None) -> Cell:
    if ranks is None:
        return None
    return str(ranks[0]) if ranks[0] == ranks[1] else f"{ranks[0]} to {ranks[1]}"


def strengths(results: StudyResults) -> Table:
    numbers = _standing(results).strengths
    rows: list[list[Cell]] = [
        [
            *(row.generator, row.answers, row.chosen, row.tied),
            row.these_raters.estimate,
            *rate_cells(row.these_raters)[1:],
            _ranks(row.ranks_these),
            *rate_cells(row.raters_like_these)[1:],
            _ranks(row.ranks_like),
            row.raters_like_these.reason or "",
        ]
        for row in sorted(numbers.strengths, key=lambda row: -(row.these_raters.estimate or 0.0))
    ]
    head = (
        *("Generator", "Answers", "Chosen", "Alike", "Strength"),
        *("These raters from", "to", "Ranks", "Raters like these from", "to ", "Ranks ", ESTIMATE[-1]),
    )
    return Table(head, rows, [numbers.reason] if numbers.reason else [HOW, RANKS])


def draw_strengths(results: StudyResults, theme: Theme) -> Figure:
    """Each generator's strength with its interval for raters like these, or for the one rater there is."""
    rows = [
        (row.generator, row.raters_like_these if row.raters_like_these.ci else row.these_raters)
        for row in sorted(
            _standing(results).strengths.strengths, key=lambda row: -(row.these_raters.estimate or 0.0)
        )
    ]
    of_whom = "raters like these" if len(_arena(results).sides) > 1 else "this rater"
    label = f"Strength, log odds (95 % interval, {of_whom}; dashed: the mean)"
    return estimates_figure(rows, theme, label, chance=0, unit=None)


def contests(results: StudyResults) -> Table:
    rows: list[list[Cell]] = [
        [
            *(row.first, row.second, row.first_chosen, row.second_chosen, row.tied),
            row.these_raters.share.estimate,
            *_share(row.these_raters),
            *_share(row.raters_like_these),
        ]
        for row in _standing(results).strengths.contests
    ]
    head = (
        *("First", "Second", "First chosen", "Second chosen", "Alike", "Share"),
        *("These raters from", "to", "p", "Raters like these from", "to ", "p "),
    )
    note = "Share of the first among answers that chose one of the two, as the model has it from all answers; 0.5: alike. Intervals are of 95 %."
    return Table(head, rows, [note, MULTIPLE])


def _share(difference: Difference) -> list[Cell]:
    low, high = difference.share.ci or (None, None)
    return [low, high, p_cell(difference.p_holm)]


def draw_contests(results: StudyResults, theme: Theme) -> Figure:
    """Each pair's share, with its interval for raters like these where there is one."""
    rows = [
        (
            f"{row.first} · {row.second}",
            (row.raters_like_these if row.raters_like_these.share.ci else row.these_raters).share,
        )
        for row in _standing(results).strengths.contests
    ]
    return estimates_figure(
        rows, theme, "Share in which the first looks more real (dashed: alike)", chance=0.5
    )


def wins(results: StudyResults) -> Table:
    names, table = _wins(results)
    tied = sum(row.tied for row in _standing(results).strengths.contests)
    rows: list[list[Cell]] = [
        [name, *(None if at == place else int(table[at, place]) for place in range(len(names)))]
        for at, name in enumerate(names)
    ]
    note = f"How often the row's image was chosen over the column's; {tied} answers called both alike."
    return Table(("Chosen", *(f"over {name}" for name in names)), rows, [note])


def _wins(results: StudyResults) -> tuple[list[str], np.ndarray]:
    numbers = _standing(results).strengths
    names = [row.generator for row in numbers.strengths]
    table = np.zeros((len(names), len(names)), dtype=np.int64)
    for row in numbers.contests:
        i, j = names.index(row.first), names.index(row.second)
        table[i, j], table[j, i] = row.first_chosen, row.second_chosen
    return names, table


def draw_wins(results: StudyResults, theme: Theme) -> Figure:
    """The counts, shaded by the share of each two generators' decided answers."""
    names, table = _wins(results)
    figure, (ax,) = panel(theme, height=1.6 + 0.5 * len(names))
    met = table + table.T
    share = np.divide(table, met, out=np.full(table.shape, np.nan), where=met > 0)
    shades = matplotlib().colormaps[theme.map].with_extremes(bad=theme.ground)
    ax.imshow(np.ma.masked_invalid(share), vmin=0, vmax=1, cmap=shades)
    for i, j in zip(*np.nonzero(met), strict=True):
        ink = "#000000" if share[i, j] > GREY_ABOVE else "#ffffff"
        ax.text(j, i, str(table[i, j]), ha="center", va="center", color=ink)
    ax.set_xticks(range(len(names)), names, rotation=30, ha="right")
    ax.set_yticks(range(len(names)), names)
    ax.set_xlabel("over")
    ax.set_ylabel("Chosen")
    return figure


def by_rater(results: StudyResults) -> Table:
    standing = _standing(results)
    names = [row.generator for row in standing.strengths.strengths]
    rows: list[list[Cell]] = [[row.rater, *row.shares] for row in standing.by_rater]
    note = "Share of a generator's answers in which its image was chosen, alike as half."
    return Table(("Rater", *names), rows, [note])


def sides(results: StudyResults) -> Table:
    arena = _arena(results)
    rows: list[list[Cell]] = [
        [row.rater, row.left, row.right, row.tied, None, None, None, p_cell(row.p), p_cell(row.p_holm)]
        for row in arena.sides
    ]
    totals = [sum(getattr(row, side) for row in arena.sides) for side in ("left", "right", "tied")]
    p = arena.left.p(0.5)
    rows.append(["All raters", *totals, *rate_cells(arena.left.primary), p_cell(p), None])
    note = (
        f"Share of the left among answers that chose one. A rater's p is that of the exact binomial test, adjusted by Holm. All "
        f"raters: {arena.left.primary_method}. Both images of a pair stand on either side equally often for every two generators. "
        f"{arena.ties} of {arena.answers} answers called both alike."
    )
    head = ("Rater", "Left", "Right", "Alike", "Share left", *INTERVAL, "p", "p (Holm)")
    return Table(head, rows, [note])


def scale(results: StudyResults) -> Table:
    standing = _standing(results)
    fit, differ = standing.fit, standing.differ
    rows: list[list[Cell]] = []
    if fit is not None:
        rows.append(
            ["One scale fits (likelihood ratio)", fit.g2, fit.df or None, p_cell(fit.p), fit.reason or ""]
        )
        circles = f"{fit.circles} of {fit.triples} triples of generators go in a circle"
        rows.append(["Circles", fit.circles, None, None, circles])
    if differ is not None:
        rows.append(
            ["Raters differ (score statistic)", differ.statistic, None, p_cell(differ.p), differ.reason or ""]
        )
    note = (
        "A small p of the first: some two generators stand otherwise to each other than their strengths say; it takes answers as "
        "independent, so it is too small where raters or images differ much. Of the second: some raters order the generators "
        f"otherwise than others; by permutation of the answers among the raters of each pair{f', {differ.shuffles} times' if differ else ''}."
    )
    return Table(("Test", "Statistic", "Degrees of freedom", "p", ESTIMATE[-1]), rows, [note])


EXHIBITS = (
    Exhibit(
        "arena-strengths",
        "How real each generator looks",
        strengths,
        draw_strengths,
        missing=_blinded,
        words="Each presentation showed two images of different generators, and raters said which one looks more real.",
        fits=of_arena,
    ),
    Exhibit(
        "arena-contests",
        "Every two generators",
        contests,
        draw_contests,
        missing=_no_strengths,
        fits=of_arena,
    ),
    Exhibit("arena-wins", "Who was chosen over whom", wins, draw_wins, missing=_blinded, fits=of_arena),
    Exhibit("arena-by-rater", "Each rater's choices", by_rater, missing=_blinded, fits=of_arena),
    Exhibit(
        "arena-scale", "Whether one scale fits, and all raters", scale, missing=_no_strengths, fits=of_arena
    ),
    Exhibit("arena-sides", "Left, right, and alike", sides, fits=of_arena),
)
