"""The agreement forest plot and the heat map of all pairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pool.figure_style import Theme, dress, panel
from pool.figure_style import forest as draw_forest
from rating.results.display_names import COEFFICIENTS, group_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_NAMED = 30
FEW = 10


def forest(numbers: Mapping[str, Any], theme: Theme) -> Figure:
    """Every coefficient with its interval, one panel for all images and one per modality."""
    report = numbers["agreement"]
    all_rows = "All sets" if numbers["choice"] else "All images"
    parts = {all_rows: report} | (report["by"] if len(report["by"]) > 1 else {})
    figure, axes = panel(theme, height=3, columns=len(parts), share_y=True)
    for ax, (name, part) in zip(axes, parts.items(), strict=True):
        rows = [(COEFFICIENTS[key].split(" (")[0], value) for key, value in part["coefficients"].items()]
        edges = [
            edge for _, e in rows for edge in (e["ci"] or ([] if e["estimate"] is None else [e["estimate"]]))
        ]
        draw_forest(ax, theme, rows, unit=(min([0.0, *edges]), 1))
        ax.axvline(0, color=theme.quiet, linewidth=0.8)
        ax.set_xticks([tick for tick in (-1.0, -0.5, 0.0, 0.5, 1.0) if tick >= ax.get_xlim()[0]])
        ax.set_title(f"{group_name(name)}, n = {part['images']}", fontsize=10)
    return figure


def heat_map(numbers: Mapping[str, Any], theme: Theme) -> Figure:
    """Cohen κ of each pair; a pair with too few images in common, or none, is left empty."""
    pairs = numbers["agreement"]["pairs"]
    names = list(dict.fromkeys(name for pair in pairs for name in pair["raters"]))
    place = {name: at for at, name in enumerate(names)}
    cells = np.full((len(names), len(names)), np.nan)
    for pair in pairs:
        a, b = (place[name] for name in pair["raters"])
        if pair["cohen_kappa"] is not None and pair["n"] >= FEW:
            cells[a, b] = cells[b, a] = pair["cohen_kappa"]
    side = float(np.clip(1.5 + 0.45 * len(names), 2.6, 7))
    figure, (ax,) = panel(theme, height=side)
    from matplotlib import colormaps

    shades = colormaps[theme.map].with_extremes(bad=theme.ground)
    picture = ax.imshow(np.ma.masked_invalid(cells), vmin=min(0.0, _least(cells)), vmax=1, cmap=shades)
    step = max(1, len(names) // MOST_NAMED)
    ax.set_xticks(range(0, len(names), step), names[::step], rotation=90)
    ax.set_yticks(range(0, len(names), step), names[::step])
    if len(names) <= 12:
        for a, b in np.argwhere(np.isfinite(cells)):
            dark = cells[a, b] < 0.5
            ax.text(
                b,
                a,
                f"{cells[a, b]:.2f}",
                ha="center",
                va="center",
                fontsize=9,
                color="#ffffff" if dark else "#000000",
            )
    bar = figure.colorbar(picture, ax=ax)
    dress(bar.ax, theme)
    bar.set_label("Cohen κ", color=theme.ink)
    return figure


def _least(cells: np.ndarray) -> float:
    finite = cells[np.isfinite(cells)]
    return float(finite.min()) if len(finite) else 0.0
