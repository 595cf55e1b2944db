"""The report as PDF for A4 paper, set by Typst: tagged (PDF/UA-1), with contents and page numbers."""

from __future__ import annotations

import json
import re
import tempfile
from bisect import bisect_right
from datetime import UTC, datetime
from functools import cache
from itertools import accumulate
from math import ceil
from pathlib import Path
from typing import TypedDict, cast

import typst

from pool.canonical.texts import plain_json
from pool.figure_style import FONTS, matplotlib
from rating.results.exhibit import Table
from rating.results.gallery import Gallery, ShownImage
from rating.results.report.contents import ExhibitDrawer, Piece, Report, Section
from rating.results.sections.headline import Headline

TEMPLATE = Path(__file__).with_name("report.typ")
MOST_WIDTH, MM_PER_POINT = 150, 0.278  # of a drawing on the page: four fifths of its own size
MOST_ROWS = 400
MOST_LINES, LINE = 50, 30  # under an image, and letters of each: more would not fit on its page
FINE_PRINT = 70  # letters across, above which a table is set smaller
TOO_WIDE = 150  # letters across, above which it lies on a page of its own
GAP = 2  # letters that the room between two columns takes
LONG_WORD = re.compile(r"([\w/-]{30})(?=[\w/-])")  # digests and the like, which would run off the page
WIDE_CELL = 40  # letters in a cell, above which its column takes what is left


class HeadJSON(TypedDict):
    text: str
    is_number: bool


class RowJSON(TypedDict):
    cells: list[str]
    is_grey: bool


class TableJSON(TypedDict):
    heads: list[HeadJSON]
    columns: list[str]
    rows: list[RowJSON]
    notes: list[str]
    size: float
    lies: bool


class PieceJSON(TypedDict):
    title: str
    words: str
    drawing: str | None
    width: float
    table: TableJSON | None


class ImageJSON(TypedDict):
    file: str
    title: str
    words: list[str]


class GalleryJSON(TypedDict):
    title: str
    count: int
    note: str
    images: list[ImageJSON]


class SectionJSON(TypedDict):
    title: str
    words: list[str]
    pieces: list[PieceJSON]
    galleries: list[GalleryJSON]


class StatJSON(TypedDict):
    title: str
    number: str
    out_of: str


class HeadlineJSON(TypedDict):
    number: str
    interval: str
    name: str
    verdict: str
    made_by: str
    stats: list[StatJSON]


def as_pdf(report: Report, draw_exhibit: ExhibitDrawer) -> bytes:
    """The report on upright A4 pages; the same report gives the same bytes."""
    with tempfile.TemporaryDirectory(prefix="lungrater-report-") as name:
        folder = Path(name)
        sections = [_section(section, _Files(folder), draw_exhibit) for section in report.sections]
        content = {
            "title": report.title,
            "date": report.date,
            "headline": _headline(report.headline),
            "sections": sections,
        }
        words = LONG_WORD.sub("\\1\u200b", json.dumps(plain_json(content), ensure_ascii=False))
        (folder / "report.json").write_text(words)
        (folder / "report.typ").write_bytes(TEMPLATE.read_bytes())
        compiler = typst.Compiler(folder / "report.typ", root=folder, font_paths=_fonts())
        paper = compiler.compile(format="pdf", pdf_standards="ua-1", timestamp=_midnight(report.date))
    return cast("bytes", paper)  # without a file to write to that is what comes back


@cache
def _fonts() -> typst.Fonts:
    """The pages' own type, and matplotlib's for whatever letters it lacks: the same on every machine."""
    more = Path(matplotlib().get_data_path()) / "fonts" / "ttf"
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[FONTS, more])


def _midnight(date: str) -> datetime:
    return datetime.strptime(date[:10], "%Y-%m-%d").replace(tzinfo=UTC)


class _Files:
    """The report's images as files beside it, by number."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, content: bytes, kind: str) -> str:
        name = f"{sum(1 for _ in self.folder.iterdir())}.{kind}"
        (self.folder / name).write_bytes(content)
        return name


def _headline(headline: Headline | None) -> HeadlineJSON | None:
    if headline is None:
        return None
    primary = headline.primary
    return {
        "number": headline.number,
        "interval": headline.interval,
        "name": primary.name,
        "verdict": " ".join(filter(None, [primary.estimate.reason, primary.verdict])),
        "made_by": f"{primary.sizes}. {primary.method[:1].upper()}{primary.method[1:]}.",
        "stats": [
            {"title": stat.title, "number": stat.number, "out_of": stat.out_of} for stat in headline.stats
        ],
    }


def _section(section: Section, files: _Files, draw_exhibit: ExhibitDrawer) -> SectionJSON:
    return {
        "title": section.title,
        "words": section.words,
        "pieces": [_piece(piece, files, draw_exhibit) for piece in section.pieces],
        "galleries": [_gallery(gallery, files) for gallery in section.galleries],
    }


def _piece(piece: Piece, files: _Files, draw_exhibit: ExhibitDrawer) -> PieceJSON:
    drawing = draw_exhibit(piece.exhibit, "svg") if piece.exhibit and piece.exhibit.draw else b""
    return {
        "title": piece.title,
        "words": piece.words,
        "drawing": files.add(drawing, "svg") if drawing else None,
        "width": _width(drawing),
        "table": _table(piece.table) if piece.table.rows else None,
    }


def _width(drawing: bytes) -> float:
    """Millimetres: every drawing at one scale, so that their type is of one size."""
    points = re.search(rb'<svg [^>]*?width="([0-9.]+)pt"', drawing)
    return min(float(points[1]) * MM_PER_POINT, MOST_WIDTH) if points else MOST_WIDTH


def _table(table: Table) -> TableJSON:
    rows = table.display_rows()[:MOST_ROWS]
    texts = [[cell.text for cell in row.cells] for row in rows]
    longest = [max(map(len, column)) for column in zip(table.columns, *texts, strict=True)]
    across = sum(min(length, WIDE_CELL) for length in longest)
    with_gaps = across + GAP * len(longest)
    left_out = len(table.rows) - len(rows)
    more = [f"… and {left_out} more rows: the bundle has them all."] if left_out else []
    return {
        "heads": [{"text": head.text, "is_number": head.is_number} for head in table.heads],
        "columns": ["wide" if length > WIDE_CELL else "narrow" for length in longest],
        "rows": [{"cells": cells, "is_grey": row.grey} for cells, row in zip(texts, rows, strict=True)],
        "notes": [*more, *table.notes],
        "size": 8 if across <= FINE_PRINT else 6 if across <= TOO_WIDE < with_gaps else 7,
        "lies": across > TOO_WIDE,
    }


def _gallery(gallery: Gallery, files: _Files) -> GalleryJSON:
    return {
        "title": gallery.title,
        "count": gallery.count,
        "note": gallery.note,
        "images": [
            {"file": files.add(image.png, "png"), "title": image.title, "words": _words(image)}
            for image in gallery.images
        ],
    }


def _words(image: ShownImage) -> list[str]:
    """All that was said of an image; what is too long for a page ends in a pointer."""
    words = [*image.labels, *image.remarks]
    lines = list(accumulate(ceil(len(text) / LINE) for text in words))
    fitting = bisect_right(lines, MOST_LINES)
    return words if fitting == len(words) else [*words[:fitting], "… galleries.csv has the rest"]
