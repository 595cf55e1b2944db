"""Does experience matter? Years of reading and knowledge of AI beside the share called right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pool.figure_style import legend, panel
from rating.results.display_names import KNOWLEDGE
from rating.results.exhibit import ESTIMATE, Cell, Exhibit, Table, estimate_cells
from rating.results.study_results import StudyResults
from rating.statistics.order_effects import KNOWS_AI, RaterProfile

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pool.figure_style import Theme

MOST_NAMED = 40
NO_PROFILE = "No rater said how long they have read or what they know of AI."
NO_YEARS = "No rater said for how many years."


def experience(results: StudyResults) -> Table:
    profile = results.known_truth.experience
    rows: list[list[Cell]] = [
        ["Years of reading, rank correlation with share right", *estimate_cells(profile.years)],
        ["Uses AI, less does not: share right", *estimate_cells(profile.ai_knowledge)],
    ]
    note = "Rank correlation: Spearman's, with Fisher's z interval (Bonett & Wright 2000); the groups by Welch's t over raters."
    return Table(("What", *ESTIMATE), rows, [note])


def draw_experience(results: StudyResults, theme: Theme) -> Figure:
    """Each rater's share called right against the years of reading; filled: uses AI."""
    figure, (ax,) = panel(theme, height=3.4)
    points = [
        (row.rater, row.years, row.share_right, row.knowledge in KNOWS_AI)
        for row in results.known_truth.experience.raters
        if row.years is not None and row.share_right is not None
    ]
    groups = (("uses AI", theme.accent, True), ("does not, or did not say", theme.quiet, False))
    for name, colour, uses in groups:
        x, y = ([point[at] for point in points if point[3] is uses] for at in (1, 2))
        ax.plot(x, y, "o" if uses else "s", color=colour, label=name)
    for rater, years, share, _ in points if len(points) <= MOST_NAMED else ():
        ax.annotate(
            *(rater, (years, share)),
            xytext=(5, 4),
            textcoords="offset points",
            color=theme.quiet,
            fontsize=8,
        )
    sentence = "" if points else NO_YEARS
    ax.text(0.5, 0.5, sentence, color=theme.quiet, ha="center", transform=ax.transAxes)
    ax.set_xlim(left=0)
    ax.set_ylim(0, 1)
    ax.set_xlabel("Years of reading")
    ax.set_ylabel("Share called right")
    ax.grid(color=theme.line, linewidth=0.6)
    legend(ax, theme, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2)
    return figure


def profiles(results: StudyResults) -> Table:
    rows: list[list[Cell]] = [
        [
            *(row.rater, row.years, row.subspecialty),
            *(KNOWLEDGE.get(row.knowledge, row.knowledge), row.share_right),
        ]
        for row in results.known_truth.experience.raters
    ]
    return Table(("Rater", "Years", "Subspecialty", "Knowledge of AI", "Share right"), rows)


def has_profile(rater: RaterProfile) -> bool:
    """Whether the rater said anything of their experience."""
    return rater.years is not None or bool(rater.knowledge)


def _no_profile(results: StudyResults) -> str | None:
    return None if any(map(has_profile, results.known_truth.experience.raters)) else NO_PROFILE


EXHIBITS = (
    Exhibit(
        "profile",
        "Experience and the share called right",
        experience,
        draw_experience,
        True,
        _no_profile,
        words="Whether raters with more years, or who use AI themselves, are right more often.",
    ),
    Exhibit("raters", "The raters", profiles, None, True, words="What raters said of themselves."),
)
