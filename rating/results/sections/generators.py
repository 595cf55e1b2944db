"""By which generator and modality raters were fooled, and which fakes they could tell: all of it depends on the truth."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pool.figure_style import legend, panel
from rating.results.display_names import group_name
from rating.results.drawing import MARKERS, MOST_CURVES_NAMED, colours, estimates_figure
from rating.results.exhibit import (
    ESTIMATE,
    Cell,
    Exhibit,
    Table,
    estimate_cells,
    methods_note,
    no_fakes,
    one_sided,
    p_cell,
)
from rating.results.study_results import StudyResults, TruthResults
from rating.statistics.accuracy.auc_by_generator import AucDifference, AucsByGroup
from rating.statistics.accuracy.fool_rate import FoolRateOfGroup, FoolRates, GroupDifference

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pool.figure_style import Theme

MACHINE_NUMBERS = (
    "FD and KD: Fréchet and kernel distance from real images in the features of the extractor that each checkpoint or dataset names, lower is nearer. Machine's AUC: how well a classifier tells the fakes from real "
    "images, 0.5 is not at all. As measured of the checkpoint, else of the dataset, where their intervals stand; values of different extractors or numbers "
    "of images do not compare."
)
MEASURES: dict[str, Callable[[FoolRateOfGroup], float | None]] = {
    "FD": lambda group: group.fid,
    "KD": lambda group: group.kid,
    "Machine's AUC": lambda group: group.machine_auc,
}
Rates = Callable[[TruthResults], FoolRates]


def _by_generator(truth: TruthResults) -> FoolRates:
    return truth.by_generator


def _by_checkpoint(truth: TruthResults) -> FoolRates:
    return truth.by_checkpoint


def _by_modality(truth: TruthResults) -> FoolRates:
    return truth.by_modality


def _kinds(truth: TruthResults) -> tuple[tuple[str, FoolRates, AucsByGroup], ...]:
    areas = truth.auc_by_kind
    return (
        ("Generator", truth.by_generator, areas.by_generator),
        ("Modality", truth.by_modality, areas.by_modality),
    )


def by_group(rates: Rates, name: str) -> Callable[[StudyResults], Table]:
    def table(results: StudyResults) -> Table:
        groups = rates(results.known_truth).groups
        measures = {
            title: measure
            for title, measure in MEASURES.items()
            if any(measure(row) is not None for row in groups)
        }
        rows: list[list[Cell]] = [
            [
                *(group_name(row.name), row.images, row.ratings, row.called_real),
                *estimate_cells(row.rate.primary),
                *(measure(row) for measure in measures.values()),
            ]
            for row in groups
        ]
        head = (name, "Fakes", "Ratings", "Called real", "Fool rate", *ESTIMATE[1:], *measures)
        notes = [methods_note(row.rate.primary_method for row in groups)] if groups else []
        return Table(head, rows, notes + ([MACHINE_NUMBERS] if measures else []))

    return table


def draw_by_group(rates: Rates) -> Callable[[StudyResults, Theme], Figure]:
    """The drawing of the fool rate by generator, checkpoint or modality."""

    def draw(results: StudyResults, theme: Theme) -> Figure:
        rows = [(group_name(row.name), row.rate.primary) for row in rates(results.known_truth).groups]
        return estimates_figure(rows, theme, "Fakes called real (share, 95 % interval)")

    return draw


def against_fid(results: StudyResults) -> Table:
    rows: list[list[Cell]] = [
        [group_name(row.name), row.fid, row.images, *estimate_cells(row.rate.primary)]
        for row in results.known_truth.by_checkpoint.groups
        if row.fid is not None
    ]
    return Table(("Checkpoint", "FD", "Fakes", "Fool rate", *ESTIMATE[1:]), rows, [MACHINE_NUMBERS])


def draw_against_fid(results: StudyResults, theme: Theme) -> Figure:
    """Each checkpoint whose distance was measured: machine's distance against human belief."""
    figure, (ax,) = panel(theme, height=4)
    measured = [
        (row.name, row.fid, row.rate.primary.estimate, row.rate.primary.ci)
        for row in results.known_truth.by_checkpoint.groups
        if row.fid is not None and row.rate.primary.estimate is not None
    ]
    few = len(measured) <= MOST_CURVES_NAMED
    for place, (name, fid, rate, ci) in enumerate(measured):
        colour = colours(theme)[place % 8] if few else theme.accent
        if ci:
            ax.plot([fid] * 2, list(ci), color=colour, linewidth=2, alpha=0.7)
        marker = MARKERS[place % 8] if few else "o"
        label = group_name(name) if few else None
        ax.plot([fid], [rate or 0.0], marker=marker, linestyle="none", color=colour, label=label)
    ax.set_ylim(-0.02, 1.02)
    ax.set_xlabel("FD by the extractor that measured each (lower is nearer to real images)")
    ax.set_ylabel("Fakes called real")
    ax.grid(color=theme.line, linewidth=0.6)
    if few:
        legend(ax, theme, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2)
    return figure


def areas_by_kind(results: StudyResults) -> Table:
    rows: list[list[Cell]] = [
        [kind, group_name(row.name), row.fakes, row.reals, *estimate_cells(row.area.primary)]
        for kind, _, areas in _kinds(results.known_truth)
        for row in areas.groups
    ]
    methods = [row.area.primary_method for _, _, areas in _kinds(results.known_truth) for row in areas.groups]
    note = f"AUC over real < unsure < fake, averaged over raters; 0.5 is chance. {methods_note(methods)}"
    return Table(("Of", "Fakes of", "Fakes", "Real images", "AUC", *ESTIMATE[1:]), rows, [note])


def draw_areas_by_kind(results: StudyResults, theme: Theme) -> Figure:
    """The AUC of each generator's and each modality's fakes; the line is chance."""
    rows = [
        (group_name(row.name), row.area.primary)
        for _, _, areas in _kinds(results.known_truth)
        for row in areas.groups
    ]
    label = "AUC averaged over raters (95 % interval; dashed: chance)"
    return estimates_figure(rows, theme, label, chance=0.5)


def differences(results: StudyResults) -> Table:
    rows: list[list[Cell]] = []
    for kind, rates, areas in _kinds(results.known_truth):
        rows += [_difference(kind, "fool rate", row) for row in rates.differences]
        rows += [_difference(kind, "AUC", row) for row in areas.differences]
    truth = results.known_truth
    methods = [row.method for _, rates, _ in _kinds(truth) for row in rates.differences]
    methods += [row.method for _, _, areas in _kinds(truth) for row in areas.differences]
    note = (
        f"First less second. {methods_note(methods)} The raters are the same, the fakes are not; the real images of an "
        "AUC are the same for two generators of one modality and others for two modalities. p adjusted for the number of pairs by "
        "Holm. A large p does not mean that two are alike."
    )
    return Table(("Of", "Number", "First", "Second", *ESTIMATE, "p", "p (Holm)"), rows, [note])


def _difference(kind: str, number: str, row: GroupDifference | AucDifference) -> list[Cell]:
    return [
        *(kind, number, group_name(row.first), group_name(row.second)),
        *estimate_cells(row.difference),
        *(p_cell(row.p), p_cell(row.p_holm)),
    ]


def _no_fid(results: StudyResults) -> str | None:
    if any(row.fid is not None for row in results.known_truth.by_checkpoint.groups):
        return None
    return "No distance has been measured of the generators in this study, so there is nothing to hold against the fool rate."


def are_compared(truth: TruthResults) -> bool:
    """Whether there are two generators or modalities to compare."""
    return bool(truth.by_generator.differences or truth.by_modality.differences)


def _no_pair(results: StudyResults) -> str | None:
    return None if are_compared(results.known_truth) else "There are no two kinds of fakes to compare."


EXHIBITS = (
    Exhibit(
        "fool-rate-by-generator",
        "Fool rate by generator",
        by_group(_by_generator, "Generator"),
        draw_by_group(_by_generator),
        True,
        no_fakes,
        "How often the fakes of each generator were called real.",
    ),
    Exhibit(
        "fool-rate-by-checkpoint",
        "Fool rate by checkpoint",
        by_group(_by_checkpoint, "Checkpoint"),
        draw_by_group(_by_checkpoint),
        True,
        no_fakes,
        "The same, at each stage of a generator's training that images were taken from.",
    ),
    Exhibit(
        "fool-rate-against-fid",
        "Fool rate against Fréchet distance",
        against_fid,
        draw_against_fid,
        True,
        lambda results: no_fakes(results) or _no_fid(results),
        "Whether people are fooled more by images that a machine's distance (FD) calls nearer to real ones.",
    ),
    Exhibit(
        "fool-rate-by-modality",
        "Fool rate by modality",
        by_group(_by_modality, "Modality"),
        draw_by_group(_by_modality),
        True,
        no_fakes,
        "How often the fakes of each modality were called real.",
    ),
    Exhibit(
        "auc-by-kind",
        "How well the fakes of each kind are told from real images",
        areas_by_kind,
        draw_areas_by_kind,
        True,
        one_sided,
        "Each generator's fakes against the real images of the same modalities; an AUC of 0.5 is guessing, 1 is never wrong.",
    ),
    Exhibit(
        "differences",
        "Differences between generators and between modalities",
        differences,
        None,
        True,
        lambda results: no_fakes(results) or _no_pair(results),
        "Whether one kind of fake fools more often, or is harder to tell, than another.",
    ),
)
