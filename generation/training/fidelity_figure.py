"""The Fréchet and the kernel distance by step, drawn as the papers draw them and written as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from generation.metrics.checkpoint_metrics import (
    CheckpointMetrics,
    Distances,
    ExtractorDistances,
    ExtractorFacts,
    distance_titles,
)
from generation.metrics.fidelity_by_step import Point
from pool.figure_style import Theme, legend, panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from generation.training.models import TrainingRun

HEIGHT = 3.2
DISTANCE_COLUMNS = ("fd", "kd", "n_real", "n_fake", "fd_low", "fd_high", "kd_low", "kd_high")


def by_step(
    course: Sequence[Point], floor: Distances, theme: Theme, extractor: ExtractorFacts | None
) -> Figure:
    """Fréchet distance on the left, kernel distance on the right, with 95 % bands and a line for real images against real images."""
    figure, (fid_axes, kid_axes) = panel(theme, height=HEIGHT, columns=2)
    fd, kd = distance_titles(extractor)
    for ax, name, words, real in ((fid_axes, "fid", fd, floor.fid), (kid_axes, "kid", kd, floor.kid)):
        _line(ax, theme, course, name)
        if real is not None:
            ax.axhline(real, color=theme.real, linestyle="--", linewidth=1.2, label="real against real")
            legend(ax, theme, loc="upper right")
        ax.set_xlabel("Training step")
        ax.set_ylabel(f"{words} to held-out real images")
        ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]))
        ax.grid(axis="y", color=theme.line, linewidth=0.6)
        ax.set_axisbelow(True)
    return figure


def _line(ax: Axes, theme: Theme, course: Sequence[Point], name: str) -> None:
    steps = [point.step for point in course]
    bands = [getattr(point, f"{name}_interval") for point in course]
    if all(bands):
        low, high = zip(*bands, strict=True)
        ax.fill_between(steps, low, high, color=theme.fake, alpha=0.25, linewidth=0)
    ax.plot(
        steps, [getattr(point, name) for point in course], "o-", color=theme.fake, linewidth=2, markersize=5
    )


def table(run: TrainingRun) -> str:
    """A CSV: every kept point of the loss, and every checkpoint's distances in the rows of their steps.

    Those of a further extractor stand in columns that end in its name.
    """
    measured = {checkpoint.step: checkpoint.measured for checkpoint in run.checkpoints.in_training()}
    further = list(dict.fromkeys(row.name for metrics in measured.values() for row in metrics.further))
    losses = {int(step): loss for step, loss in run.curve}
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(
        [
            *("step", "loss"),
            *DISTANCE_COLUMNS,
            *("copies", "extractor", "extractor_sha256", "validation_loss"),
            *(f"{column}:{name}" for name in further for column in (*DISTANCE_COLUMNS, "extractor_sha256")),
        ]
    )
    for step in sorted(losses.keys() | measured.keys()):
        metrics = measured.get(step)
        more = [cell for name in further for cell in _cells_by(metrics.by(name) if metrics else None)]
        rows.writerow([step, losses.get(step, ""), *_measured_cells(metrics), *more])
    return out.getvalue()


def _measured_cells(metrics: CheckpointMetrics | None) -> list[str | float]:
    """In the order of the columns after the loss; what was not measured is empty."""
    if metrics is None:
        return [""] * (len(DISTANCE_COLUMNS) + 4)
    extractor = metrics.extractor
    return [
        *_distance_cells(metrics.distances),
        metrics.scan.copies if metrics.scan else "",
        *([extractor.name, extractor.sha256] if extractor else ["", ""]),
        "" if metrics.validation_loss is None else metrics.validation_loss,
    ]


def _cells_by(measured: ExtractorDistances | None) -> list[str | float]:
    if measured is None or measured.extractor is None:
        return [""] * (len(DISTANCE_COLUMNS) + 1)
    return [*_distance_cells(measured.distances), measured.extractor.sha256]


def _distance_cells(distances: Distances) -> list[str | float]:
    cells = [
        *(distances.fid, distances.kid, distances.n_real or None, distances.n_fake or None),
        *(distances.fid_interval or (None, None)),
        *(distances.kid_interval or (None, None)),
    ]
    return ["" if cell is None else cell for cell in cells]
