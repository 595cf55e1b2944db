"""How well do raters agree? With each other, label by label, pair by pair, and with their own earlier answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pool.figure_style import dress, panel
from rating.results.display_names import COEFFICIENTS, ON_THE_SCALE, counted, group_name
from rating.results.drawing import draw_estimates
from rating.results.exhibit import (
    ESTIMATE,
    INTERVAL,
    Cell,
    Exhibit,
    Table,
    estimate_cells,
    of_any,
    p_cell,
    rate_cells,
    unit_name,
    why_undefined,
)
from rating.results.study_results import IntraRater, StudyResults
from rating.statistics.agreement.intra import SelfAgreement, intra_rater, pooled_self_agreement
from rating.statistics.agreement.report import FEW, ONE_RATER, GroupAgreement
from rating.statistics.arrays import Floats
from rating.statistics.columns import REPEAT, StudyColumns
from rating.statistics.estimate import Estimate
from rating.statistics.ratings_table import RatingsTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pool.figure_style import Theme

MOST_PAIRS_SHOWN = 300
MOST_NAMED = 30
MOST_WITH_NUMBERS = 12
POOLED_KAPPA = "κ by the mean observed and expected agreement (De Vries et al. 2008), standard error by leaving out an image at a time."
TWO_ONLY = "Two raters: the numbers speak of these two raters only."


def intra_rater_results(columns: StudyColumns, session: int) -> IntraRater:
    """Each rater with their own answers: repeats within the session, and the first session with the second."""
    first = columns.table(session)
    repeats, later = columns.table(session, REPEAT), columns.table(session + 1)

    def of_each(again: RatingsTable) -> tuple[SelfAgreement, ...]:
        rows = intra_rater(columns.raters, first.codes, again.codes, len(columns.labels))
        return tuple(row for row in rows if row.n)

    return IntraRater(
        of_each(repeats),
        of_each(later),
        pooled_self_agreement(first.codes, repeats.codes, len(columns.labels)),
        pooled_self_agreement(first.codes, later.codes, len(columns.labels)),
    )


def agreement(results: StudyResults) -> Table:
    report = results.agreement
    all_units = f"All {unit_name(results)}"
    of_all = {COEFFICIENTS[key]: value for key, value in report.coefficients.items()}
    of_all[COEFFICIENTS["conger_kappa"]] = results.conger_kappa
    of_all["All raters gave the same label"] = results.unanimous
    rows: list[list[Cell]] = [
        [all_units, report.images, name, *estimate_cells(value)] for name, value in of_all.items()
    ]
    for group, part in report.by.items() if len(report.by) > 1 else ():
        for key, value in part.coefficients.items():
            rows.append([group_name(group), part.images, COEFFICIENTS[key], *estimate_cells(value)])
    declared = f"AC1 and Brennan–Prediger are over the declared labels: {', '.join(report.labels)}."
    head = (unit_name(results).capitalize(), "n", "Coefficient", *ESTIMATE)
    return Table(head, rows, [*results.notes, declared])


def draw_agreement(results: StudyResults, theme: Theme) -> Figure:
    """Every coefficient with its interval, one panel for all images and one per modality."""
    report = results.agreement
    parts: dict[str, GroupAgreement] = {f"All {unit_name(results)}": report}
    parts |= report.by if len(report.by) > 1 else {}
    figure, axes = panel(theme, height=3, columns=len(parts), share_y=True)
    for ax, (name, part) in zip(axes, parts.items(), strict=True):
        rows = [(COEFFICIENTS[key].split(" (")[0], value) for key, value in part.coefficients.items()]
        edges = [edge for _, value in rows for edge in _edges(value)]
        draw_estimates(ax, theme, rows, unit=(min([0.0, *edges]), 1))
        ax.axvline(0, color=theme.quiet, linewidth=0.8)
        ax.set_xticks([tick for tick in (-1.0, -0.5, 0.0, 0.5, 1.0) if tick >= ax.get_xlim()[0]])
        ax.set_title(f"{group_name(name)}, n = {part.images}", fontsize=10)
    return figure


def _edges(value: Estimate) -> tuple[float, ...]:
    """How far the drawing of an estimate reaches."""
    return value.ci or (() if value.estimate is None else (value.estimate,))


def random_raters(results: StudyResults) -> Table:
    rows = [[COEFFICIENTS[key], *estimate_cells(value)] for key, value in results.random_raters.items()]
    note = "The standard errors add the sampling of raters (jackknife) to that of images."
    return Table(("Coefficient", *ESTIMATE), rows, [note])


def by_label(results: StudyResults) -> Table:
    rows = [[label, *estimate_cells(value)] for label, value in results.by_label.items()]
    return Table(("Label against all others", *ESTIMATE), rows, ["Fleiss κ of each label."])


def on_the_scale(results: StudyResults) -> Table:
    scale = results.on_the_scale or {}
    rows = [[ON_THE_SCALE[key], *estimate_cells(value)] for key, value in scale.items()]
    note = "Linear weights: real against fake is a complete disagreement, unsure against either half of one."
    return Table(("Coefficient", *ESTIMATE), rows, [note])


def pairs(results: StudyResults) -> Table:
    every = results.agreement.pairs
    rows: list[list[Cell]] = [
        [*pair.raters, pair.n, pair.percent_agreement, pair.cohen_kappa, pair.se, pair.reason or ""]
        for pair in every[:MOST_PAIRS_SHOWN]
    ]
    grey = frozenset(at for at, pair in enumerate(every[:MOST_PAIRS_SHOWN]) if pair.n < FEW)
    notes = (
        [f"Pairs with fewer than {FEW} images in common are grey: read nothing into them."] if grey else []
    )
    if len(every) > MOST_PAIRS_SHOWN:
        notes.append(
            f"The first {MOST_PAIRS_SHOWN} of {len(every)} pairs; `lungrater analyse --json` has them all."
        )
    head = ("First rater", "Second rater", "n", "Percent agreement", "Cohen κ", "SE", "Note")
    return Table(head, rows, notes, grey)


def draw_pairs(results: StudyResults, theme: Theme) -> Figure:
    """Cohen κ of each pair; a pair with too few images in common, or none, is left empty."""
    every = results.agreement.pairs
    names = list(dict.fromkeys(name for pair in every for name in pair.raters))
    place = {name: at for at, name in enumerate(names)}
    cells: Floats = np.full((len(names), len(names)), np.nan)
    for pair in every:
        a, b = (place[name] for name in pair.raters)
        if pair.cohen_kappa is not None and pair.n >= FEW:
            cells[a, b] = cells[b, a] = pair.cohen_kappa
    figure, (ax,) = panel(theme, height=float(np.clip(1.5 + 0.45 * len(names), 2.6, 7)))
    from matplotlib import colormaps

    shades = colormaps[theme.map].with_extremes(bad=theme.ground)
    image = ax.imshow(np.ma.masked_invalid(cells), vmin=min(0.0, _least(cells)), vmax=1, cmap=shades)
    step = max(1, len(names) // MOST_NAMED)
    ax.set_xticks(range(0, len(names), step), names[::step], rotation=90)
    ax.set_yticks(range(0, len(names), step), names[::step])
    if len(names) <= MOST_WITH_NUMBERS:
        _numbers(ax, cells)
    bar = figure.colorbar(image, ax=ax)
    dress(bar.ax, theme)
    bar.set_label("Cohen κ", color=theme.ink)
    return figure


def _numbers(ax: Axes, cells: Floats) -> None:
    for a, b in np.argwhere(np.isfinite(cells)):
        colour = "#ffffff" if cells[a, b] < 0.5 else "#000000"
        ax.text(b, a, f"{cells[a, b]:.2f}", ha="center", va="center", fontsize=9, color=colour)


def _least(cells: Floats) -> float:
    finite = cells[np.isfinite(cells)]
    return float(finite.min()) if len(finite) else 0.0


def habits(results: StudyResults) -> Table:
    rows: list[list[Cell]] = [
        [
            *(*row.raters, row.n, row.tests.stuart_maxwell, row.tests.df),
            *(p_cell(row.tests.stuart_maxwell_p), p_cell(row.p_holm), p_cell(row.tests.bhapkar_p)),
            *(row.indices.prevalence if row.indices else None, row.indices.bias if row.indices else None),
            row.tests.reason or "",
        ]
        for row in results.pair_habits
    ]
    head = (
        *("First rater", "Second rater", "n", "Stuart–Maxwell", "df", "p", "p (Holm)", "p (Bhapkar)"),
        *("Prevalence index", "Bias index", "Note"),
    )
    family = f"Holm over {counted(len(rows), 'pair')} of raters. The indices are of pairs that used two labels only (Byrt, Bishop & Carlin 1993)."
    return Table(head, rows, [family])


def with_oneself(results: StudyResults) -> Table:
    intra = results.intra
    again = {
        "repeat in the session": (intra.repeats, intra.repeats_pooled),
        "next session": (intra.next_session, intra.next_session_pooled),
    }
    rows: list[list[Cell]] = []
    methods = []
    for occasion, (part, pooled) in again.items():
        rows += [
            [
                *(row.rater, occasion, row.n, *rate_cells(row.same)),
                *(row.kappa.kappa.estimate, row.kappa.kappa.se, row.kappa.kappa.reason or ""),
            ]
            for row in part
        ]
        if len(part) > 1:
            primary, kappa = pooled.same.primary, pooled.kappa
            n = sum(row.n for row in part)
            reasons = why_undefined(primary, kappa)
            rows.append(["All raters", occasion, n, *rate_cells(primary), kappa.estimate, kappa.se, reasons])
            methods.append(pooled.same.primary_method)
    head = ("Rater", "Shown again as", "n", "Same label", *INTERVAL, "Cohen κ", "SE", "Note")
    note = f"All raters: {'; '.join(dict.fromkeys(methods))}; {POOLED_KAPPA}"
    return Table(head, rows, [note] if methods else [])


def _one_rater(results: StudyResults) -> str | None:
    return ONE_RATER if results.agreement.raters < 2 else None


EXHIBITS = (
    Exhibit(
        "agreement",
        "How well these raters agree",
        agreement,
        draw_agreement,
        missing=_one_rater,
        words="Agreement is never one number: percent agreement and the coefficients correct for chance each in its own way. "
        "The intervals take images as a sample and these raters as given.",
        fits=of_any,
    ),
    Exhibit(
        "raters-like-these",
        "How well raters like these would agree",
        random_raters,
        words="The same coefficients for other raters and images of the same kinds: the intervals are wider.",
        missing=lambda results: TWO_ONLY if results.agreement.raters == 2 else _one_rater(results),
        fits=of_any,
    ),
    Exhibit(
        "pairs",
        "Each pair of raters",
        pairs,
        draw_pairs,
        missing=lambda results: None if results.agreement.pairs else "There is no pair of raters.",
        words="Cohen κ of each pair on the images both rated.",
        fits=of_any,
    ),
    Exhibit(
        "label-habits",
        "Whether two raters use the labels alike",
        habits,
        missing=lambda results: (
            None if results.pair_habits else "There is no pair of raters, or there are too many."
        ),
        words="A low κ may come from other habits or from a rare label rather than from disagreement image by image.",
    ),
    Exhibit(
        "agreement-by-label",
        "Agreement label by label",
        by_label,
        words="Which of the labels raters agree on: each against the two others together.",
    ),
    Exhibit(
        "agreement-on-the-scale",
        "Agreement on the scale real < unsure < fake",
        on_the_scale,
        words="The same coefficients where unsure is between real and fake, so that a near miss is not a complete one.",
    ),
    Exhibit(
        "with-oneself",
        "How well each rater agrees with their own earlier answers",
        with_oneself,
        words="How often a rater gave the same label when the same image came again.",
        missing=lambda results: (
            None
            if results.intra.repeats or results.intra.next_session
            else "No image was shown to a rater twice."
        ),
        fits=of_any,
    ),
)
