"""Two drawn plans, as SVG in the colour of the text around: the house by its import contracts, and where data flow."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
WIDTH = 760
LINE = 17
GAP = 24
# What each room is for; the rooms and their order are those of the first import contract.
ROOMS = {
    "lungrater": "wiring: settings, command line, API, demo, embedded servers, machine raters",
    "generation": "fills the pool and judges it",
    "rating": "judges the pool",
    "pool": "datasets and images: imports, one pixel form, release desk, releases",
    "jobs": "the state machine of long work, and its workers",
    "accounts": "people, signing in, parts, tokens, settings of the site",
    "audit": "the chained log; imports nobody",
    "outbound": "requests to other servers, each with an end and a limit",
}
INSIDE = {
    "generation": "generation: what is judged is made first, and all of it stands on the plain rooms",
    "rating": "inside rating every arrow runs down",
}
YOURS = (
    ("TLS proxy", "443, yours or Caddy"),
    ("web", "pages, API, images"),
    ("workers, clock", "imports, models, reports"),
    ("PostgreSQL", "people, ratings, log, jobs"),
    ("Redis", "the bell for workers"),
    ("files, models", "a folder or a bucket"),
)
# The row of your machines that an arrow ends or begins at: people reach the proxy, workers reach others.
REACHED_BY = {1: 0, 2: 2}
PEOPLE = (
    ("raters", "blinded images, answers"),
    ("researchers, admins", "images, studies, results"),
    ("programs", "the same, by token"),
)
OUTSIDE = (
    ("PACS", "images in; searches out"),
    ("addresses of imports", "images in"),
    ("Images API", "prompts; images for machines"),
    ("identity provider", "who signs in"),
    ("mail server", "addresses, links"),
    ("bucket", "images, models, backups"),
    ("error server", "where an error happened"),
)


def contracts() -> dict[str, list[str]]:
    """The layers of each import contract that has some, top first, by its name."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    return {
        each["name"]: each["layers"]
        for each in project["tool"]["importlinter"]["contracts"]
        if "layers" in each
    }


def house() -> str:
    """Rooms from top to bottom; an arrow says who may import whom."""
    layers = contracts()
    rows = next(iter(layers.values()))
    shapes: list[str] = []
    y = 1
    for place, row in enumerate(rows):
        rooms = row.split(" | ")
        inner = {room: _layers_in_words(layers[INSIDE[room]]) for room in rooms if room in INSIDE}
        height = 2 * LINE + 12 + LINE * max(map(len, inner.values()), default=0)
        width = (WIDTH - 2 - GAP * (len(rooms) - 1)) // len(rooms)
        for column, room in enumerate(rooms):
            lines = [ROOMS[room], *inner.get(room, ())]
            shapes += _box(1 + column * (width + GAP), y, width, height, room, lines)
        y += height
        if place + 1 < len(rows):
            columns = max(len(rooms), rows[place + 1].count(" | ") + 1)
            for column in range(columns):
                shapes += _arrow(WIDTH * (2 * column + 1) // (2 * columns), y, y + GAP)
            y += GAP
    return _figure("The rooms of the house: each may import those below it, and none above", y + 1, shapes)


def _layers_in_words(layers: list[str]) -> list[str]:
    return ["· " + ", ".join(name.rpartition(".")[2] for name in layer.split(" | ")) for layer in layers]


def data_flow() -> str:
    """People at the left, your machines in the middle, what is reached only where it is set up at the right."""
    columns = (
        ("They come to you", PEOPLE),
        ("On your machines", YOURS),
        ("Reached only where set up", OUTSIDE),
    )
    shapes: list[str] = []
    width, step = 216, 56
    height = 44 + step * max(len(boxes) for _, boxes in columns)
    for place, (title, boxes) in enumerate(columns):
        x = 1 + place * (width + 55)
        shapes.append(_text(x, 14, title, bold=True))
        dashes = ' stroke-dasharray="5 4"' if place == 2 else ""
        for row, (name, words) in enumerate(boxes):
            shapes += _box(x, 26 + row * step, width, step - 12, name, [words], more=dashes)
        if place:
            row = REACHED_BY[place]
            shapes += _pointer(x - 50, x - 6, 26 + row * step + (step - 12) // 2)
    return _figure(
        "Where data flow: people reach the proxy, and the site reaches others only where that is set up",
        height,
        shapes,
    )


def _box(  # noqa: PLR0917  where it lies, and what stands in it
    x: int, y: int, width: int, height: int, name: str, lines: Iterable[str], more: str = ""
) -> Iterator[str]:
    yield f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" fill="none" stroke="currentColor"{more}/>'
    yield _text(x + 12, y + 19, name, bold=True)
    for row, line in enumerate(lines, start=1):
        yield _text(x + 12, y + 19 + LINE * row, line)


def _text(x: int, y: int, words: str, *, bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x}" y="{y}" font-size="13" fill="currentColor"{weight}>{escape(words)}</text>'


def _arrow(x: int, top: int, bottom: int) -> Iterator[str]:
    yield f'<path d="M{x} {top + 2}V{bottom - 3}M{x - 5} {bottom - 9}L{x} {bottom - 3}L{x + 5} {bottom - 9}" fill="none" stroke="currentColor"/>'


def _pointer(left: int, right: int, y: int) -> Iterator[str]:
    yield f'<path d="M{left} {y}H{right}M{right - 6} {y - 5}L{right} {y}L{right - 6} {y + 5}" fill="none" stroke="currentColor"/>'


def _figure(title: str, height: int, shapes: Iterable[str]) -> str:
    """One block without an empty line, which Markdown would end it at."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="100%" role="img" aria-label="{escape(title)}">'
    return "\n".join(["<div>", head, *shapes, "</svg>", "</div>"])
