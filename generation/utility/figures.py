"""The drawings of an experiment's report, each by name, in the style of the house."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from generation.utility.arms import REAL, SYNTHETIC
from generation.utility.results import ArmScores, UtilityResults
from pool.figure_style import Theme, forest, legend, matplotlib, panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKS = "os^Dvp"


def scores(report: UtilityResults, theme: Theme) -> Figure:
    """Balanced accuracy of every arm by every architecture."""
    rows = [(f"{arm.arm}, {arm.architecture}", arm.scores["balanced_accuracy"]) for arm in report.arms]
    figure, (ax,) = panel(theme, height=1 + 0.28 * len(rows))
    forest(ax, theme, rows)
    ax.axvline(1 / len(report.classes), color=theme.quiet, linewidth=0.8, linestyle=":")
    ax.set_xlabel("Balanced accuracy on unseen real images\n95 % interval; dotted: chance")
    return figure


def external(report: UtilityResults, theme: Theme) -> Figure:
    """Balanced accuracy of every arm on the test split and, below it, on the external test set."""
    outside = report.external.arms if report.external else []
    rows = [
        (f"{arm.arm}, {arm.architecture}: {where}", arm.scores["balanced_accuracy"])
        for pair in zip(report.arms, outside, strict=True)
        for where, arm in zip(("test split", "external"), pair, strict=True)
    ]
    figure, (ax,) = panel(theme, height=1 + 0.28 * len(rows))
    forest(ax, theme, rows)
    ax.axvline(1 / len(report.classes), color=theme.quiet, linewidth=0.8, linestyle=":")
    ax.set_xlabel("Balanced accuracy on unseen real images\n95 % interval; dotted: chance")
    return figure


def learning_curve(report: UtilityResults, theme: Theme) -> Figure:
    """Balanced accuracy by how many synthetic images there were, one line for each architecture."""
    figure, (ax,) = panel(theme, height=3.2)
    for mark, architecture in zip(MARKS, report.headline.architectures, strict=False):
        points = [
            (point.synthetic, point.estimate, point.ci)
            for point in report.curve
            if point.architecture == architecture and point.estimate is not None
        ]
        x, y = [number for number, _, _ in points], [estimate for _, estimate, _ in points]
        ends = [ci or (estimate, estimate) for _, estimate, ci in points]
        errors = np.abs(np.array(ends).T - np.array(y))
        ax.errorbar(x, y, yerr=errors, fmt=f"{mark}-", capsize=3, linewidth=1.2, label=architecture)
    ax.axhline(1 / len(report.classes), color=theme.quiet, linewidth=0.8, linestyle=":")
    ax.set_ylim(0, 1.02)
    ax.set_xlabel("Synthetic images trained on")
    ax.set_ylabel("Balanced accuracy")
    legend(ax, theme)
    return figure


def calibration(report: UtilityResults, theme: Theme) -> Figure:
    """How sure and how often right, trained on synthetic and on real images."""
    figure, axes = panel(theme, height=3.4, columns=2, share_y=True)
    for ax, arm in zip(axes, (SYNTHETIC, REAL), strict=True):
        _reliability(ax, theme, [row for row in report.arms if row.arm == arm])
        ax.set_title(arm, fontsize=10)
        ax.set_xlabel("How sure")
    axes[0].set_ylabel("How often right")
    legend(axes[1], theme, loc="lower right")
    return figure


def _reliability(ax: Axes, theme: Theme, arms: list[ArmScores]) -> None:
    ax.plot([0, 1], [0, 1], color=theme.quiet, linewidth=0.8, linestyle=":")
    for mark, row in zip(MARKS, arms, strict=False):
        bins = row.reliability
        x, y = [place.confidence for place in bins], [place.accuracy for place in bins]
        ax.plot(x, y, f"{mark}-", linewidth=1, label=row.architecture)
    ax.set_xlim(0, 1.02)
    ax.set_ylim(-0.02, 1.02)


def confusion(report: UtilityResults, theme: Theme) -> Figure:
    """What was called what: trained on synthetic above, on real below, a column for each architecture."""
    names, classes = report.headline.architectures, report.classes
    side = max(2.2, 0.55 * len(classes) + 1)
    figure: Figure = matplotlib().figure.Figure(
        figsize=(side * len(names), side * 2), facecolor=theme.ground, layout="constrained"
    )
    grid = figure.subplots(2, len(names), squeeze=False)
    for row in report.arms:
        if row.arm in (SYNTHETIC, REAL):
            ax = grid[(SYNTHETIC, REAL).index(row.arm)][names.index(row.architecture)]
            _table(ax, theme, np.array(row.confusion), classes)
            ax.set_title(f"{row.arm}\n{row.architecture}", fontsize=9, color=theme.ink)
    return figure


def subgroups(report: UtilityResults, theme: Theme) -> Figure:
    """The AUC of each subgroup, trained on real and on synthetic images; groups too small are in the table alone."""
    rows = [
        (f"{row.attribute} {each.group}: {row.arm}, {row.architecture}", each.auc)
        for row in report.subgroups
        if row.arm in (REAL, SYNTHETIC)
        for each in row.groups
    ]
    figure, (ax,) = panel(theme, height=1 + 0.28 * len(rows))
    forest(ax, theme, rows)
    ax.axvline(0.5, color=theme.quiet, linewidth=0.8, linestyle=":")
    ax.set_xlabel("AUC on unseen real images, 95 % interval (dotted: chance)")
    return figure


def _table(ax: Axes, theme: Theme, table: Any, classes: list[str]) -> None:
    shares = table / np.maximum(1, table.sum(axis=1, keepdims=True))
    ax.imshow(shares, cmap=theme.map, vmin=0, vmax=1)
    for (row, column), number in np.ndenumerate(table):
        ink = "#000000" if shares[row, column] > 0.5 else "#ffffff"
        ax.text(column, row, str(number), ha="center", va="center", color=ink, fontsize=9)
    ax.set_xticks(range(len(classes)), classes, rotation=30, ha="right", fontsize=8, color=theme.ink)
    ax.set_yticks(range(len(classes)), classes, fontsize=8, color=theme.ink)
    ax.set_xlabel("called", color=theme.ink, fontsize=8)
    ax.set_ylabel("truth", color=theme.ink, fontsize=8)


FIGURES: dict[str, Callable[[UtilityResults, Theme], Figure]] = {
    "scores": scores,
    "external": external,
    "learning-curve": learning_curve,
    "calibration": calibration,
    "confusion": confusion,
    "subgroups": subgroups,
}
