"""How the figures look: once for the dark pages, once for paper; and how they become files that are the same each time."""

from __future__ import annotations

import io
from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

from django.conf import settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Inches: at 96 to the inch a figure of one panel stands beside its table, its type as large as the table's.
WIDTH, WIDTH_OF_PANELS = 4.8, 7.5
FORMATS = {"svg": "image/svg+xml", "pdf": "application/pdf", "png": "image/png"}
DPI = 300
FAMILY = "IBM Plex Sans"
FONTS = Path(settings.STATICFILES_DIRS[0]) / "vendor" / "ibm-plex-sans"

# A page asks for its figures at once, each in a thread. Threads that begin to load matplotlib by different modules meet
# in the middle, and one of them gets a module that is not whole.
_LOADING = Lock()


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of a ground."""

    ground: str
    ink: str
    quiet: str
    line: str
    real: str
    fake: str
    unsure: str
    accent: str
    map: str

    def of(self, label: str) -> str:
        """The colour of a label."""
        return {"real": self.real, "fake": self.fake, "unsure": self.unsure}[label]


# The tokens of the pages' stylesheet, in the dark and in the light.
SCREEN = Theme(
    "#191f25", "#e3e8ed", "#a3b0bc", "#2f3943", "#7fb6e6", "#e0944a", "#98a4af", "#7ecacf", "cividis"
)
PRINT = Theme(
    "#ffffff", "#16202a", "#51606d", "#dbe1e5", "#1f5d94", "#cb7318", "#66717c", "#0b6670", "cividis"
)


def theme_of(query: Container[str]) -> Theme:
    """The colours a figure is asked for in: those of paper are those of the light pages, too."""
    return PRINT if "print" in query or "light" in query else SCREEN


def matplotlib() -> ModuleType:
    """The library with its figures, loaded by one thread at a time. Nothing else of it may be imported before.

    Figures are lettered in the pages' own type, and in matplotlib's where that lacks a letter.
    """
    with _LOADING:
        import matplotlib.figure
        from matplotlib import font_manager

        if matplotlib.rcParams["font.sans-serif"][0] != FAMILY:
            for file in FONTS.glob("*.ttf"):
                font_manager.fontManager.addfont(file)
            matplotlib.rcParams["font.sans-serif"] = [FAMILY, "DejaVu Sans"]

    return matplotlib


def panel(
    theme: Theme, *, height: float, columns: int = 1, share_y: bool = False
) -> tuple[Figure, list[Axes]]:
    """A figure with a row of axes in the theme's colours."""
    figure: Figure = matplotlib().figure.Figure(
        figsize=(WIDTH if columns == 1 else WIDTH_OF_PANELS, height),
        facecolor=theme.ground,
        layout="constrained",
    )
    axes = [ax for row in figure.subplots(1, columns, squeeze=False, sharey=share_y) for ax in row]
    for ax in axes:
        dress(ax, theme)
    return figure, axes


def dress(ax: Axes, theme: Theme) -> None:
    """Colours and a frame that does not shout."""
    ax.set_facecolor(theme.ground)
    ax.tick_params(colors=theme.ink, labelsize=9)
    for side, spine in ax.spines.items():
        spine.set_color(theme.line)
        spine.set_visible(side in {"left", "bottom"})
    ax.xaxis.label.set_color(theme.ink)
    ax.yaxis.label.set_color(theme.ink)
    ax.title.set_color(theme.ink)


def legend(ax: Axes, theme: Theme, **where: Any) -> None:
    box = ax.legend(frameon=False, fontsize=9, **where)
    for text in box.get_texts():
        text.set_color(theme.ink)


class Estimated(Protocol):
    """A number with its interval, or neither."""

    @property
    def estimate(self) -> float | None: ...

    @property
    def ci(self) -> tuple[float, float] | None: ...


def forest(
    ax: Axes,
    theme: Theme,
    rows: Sequence[tuple[str, Estimated]],
    *,
    unit: tuple[float, float] | None = (0, 1),
) -> None:
    """Estimates with their intervals, the first row on top; what is undefined is left blank."""
    for place, (_, estimate) in enumerate(rows):
        if estimate.estimate is None:
            ax.text(
                0.02,
                place,
                "undefined",
                color=theme.quiet,
                fontsize=8,
                va="center",
                transform=ax.get_yaxis_transform(),
            )
            continue
        if estimate.ci:
            ax.plot(estimate.ci, [place, place], color=theme.accent, linewidth=2, solid_capstyle="butt")
        ax.plot(estimate.estimate, place, "o", color=theme.ink, markersize=6)
    ax.set_yticks(range(len(rows)), [name for name, _ in rows])
    ax.set_ylim(len(rows) - 0.5, -0.5)
    if unit:
        ax.set_xlim(unit[0] - 0.02, unit[1] + 0.02)
    ax.grid(axis="x", color=theme.line, linewidth=0.6)
    ax.set_axisbelow(True)


def as_file(figure: Figure, kind: str) -> bytes:
    """The figure as svg, pdf or png; the same drawing gives the same bytes."""
    import matplotlib as mpl

    dates: dict[str, None] = {
        "svg": {"Date": None},
        "pdf": {"CreationDate": None, "ModDate": None},
        "png": {},
    }[kind]
    buffer = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "lungrater", "svg.fonttype": "path", "pdf.fonttype": 42}):
        figure.savefig(buffer, format=kind, dpi=DPI, facecolor=figure.get_facecolor(), metadata=dates)
    return buffer.getvalue()
