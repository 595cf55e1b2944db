"""The report as PDF, set by fpdf2 in the DejaVu fonts that come with matplotlib."""

from __future__ import annotations

import io
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from fpdf import FPDF
from fpdf.enums import MethodReturnValue, XPos, YPos
from fpdf.fonts import FontFace
from PIL import Image

from pool.figure_style import matplotlib
from rating.results.exhibit import Table
from rating.results.gallery import Gallery, ShownImage
from rating.results.report.contents import ExhibitDrawer, Piece, Report, Section

FONT = "DejaVu"
IMAGE_WIDTH, IMAGE_HEIGHT = 170.0, 110.0
SIDE, GUTTER, IN_A_ROW = 50.0, 4.5, 5  # mm: a gallery's images, five to a row
LINE, MOST_LINES = 3.0, 30  # mm; more words under an image would not fit on its page
ROOM_FOR_A_START = 25.0  # mm: a title and a few lines
MOST_ROWS = 400
INK, QUIET, RULE = (31, 36, 41), (77, 86, 96), (195, 200, 206)


def as_pdf(report: Report, draw_exhibit: ExhibitDrawer) -> bytes:
    """The report on A4 pages, lying, because its tables are wide."""
    logging.getLogger("fontTools").setLevel(logging.ERROR)  # it tells each subset's story
    paper = _paper(report)
    for section in report.sections:
        _section(paper, section, draw_exhibit)
    return bytes(paper.output())


def _paper(report: Report) -> FPDF:
    paper = FPDF(orientation="L", format="A4")
    day = datetime.strptime(report.date[:10], "%Y-%m-%d").replace(tzinfo=UTC)
    paper.set_creation_date(day)
    paper.set_title(report.title)
    paper.set_producer("LungRater")
    fonts = Path(matplotlib().get_data_path()) / "fonts" / "ttf"
    paper.add_font(FONT, "", fonts / "DejaVuSans.ttf")
    paper.add_font(FONT, "B", fonts / "DejaVuSans-Bold.ttf")
    paper.set_auto_page_break(auto=True, margin=15)
    paper.add_page()
    _words(paper, report.title, size=18, bold=True)
    _words(paper, f"Report of {report.date}", size=9, colour=QUIET)
    return paper


def _section(paper: FPDF, section: Section, draw_exhibit: ExhibitDrawer) -> None:
    begins_with = _drawing(section.pieces[0], draw_exhibit) if section.pieces else None
    # A title never stands alone at the foot of a page: it goes with the first drawing under it.
    if paper.will_page_break(max(4 * ROOM_FOR_A_START, _height(begins_with) + 2 * ROOM_FOR_A_START)):
        paper.add_page()
    paper.ln(4)
    _words(paper, section.title, size=14, bold=True)
    for words in section.words:
        _words(paper, words, size=9)
    for piece in section.pieces:
        _piece(paper, piece, draw_exhibit)
    for gallery in section.galleries:
        _gallery(paper, gallery)


def _piece(paper: FPDF, piece: Piece, draw_exhibit: ExhibitDrawer) -> None:
    drawing = _drawing(piece, draw_exhibit)
    if paper.will_page_break(_height(drawing) + ROOM_FOR_A_START):
        paper.add_page()
    paper.ln(2)
    _words(paper, piece.title, size=11, bold=True)
    if piece.words:
        _words(paper, piece.words, size=8, colour=QUIET)
    if piece.missing:
        _words(paper, piece.missing, size=9, colour=QUIET)
    if drawing:
        width, height = _size(drawing)
        paper.image(io.BytesIO(drawing), w=width, h=height)
        paper.ln(2)
    if piece.table and piece.table.rows:
        _table(paper, piece.table)
        for note in piece.table.notes:
            _words(paper, note, size=8, colour=QUIET)


def _gallery(paper: FPDF, gallery: Gallery) -> None:
    """Rows of images, each over what was said of it; a row that does not fit begins the next page."""
    if paper.will_page_break(SIDE + 2 * ROOM_FOR_A_START):
        paper.add_page()
    _words(paper, f"{gallery.title} ({gallery.count})", size=11, bold=True)
    if gallery.note:
        _words(paper, gallery.note, size=8, colour=QUIET)
    for start in range(0, len(gallery.images), IN_A_ROW):
        row = gallery.images[start : start + IN_A_ROW]
        captions = [_caption(paper, image) for image in row]
        height = SIDE + LINE * (max(len(lines) for lines in captions) + 2)
        if paper.will_page_break(height):
            paper.add_page()
        top, margin = paper.get_y(), paper.l_margin
        for place, (image, lines) in enumerate(zip(row, captions, strict=True)):
            x = margin + place * (SIDE + GUTTER)
            paper.image(io.BytesIO(image.png), x=x, y=top, w=SIDE, h=SIDE, keep_aspect_ratio=True)
            for number, line in enumerate(lines):
                paper.set_xy(x, top + SIDE + 1 + LINE * number)
                paper.cell(SIDE, LINE, line)
        paper.set_xy(margin, top + height)


def _caption(paper: FPDF, image: ShownImage) -> list[str]:
    """All that was said of an image as lines of its width; what is too long for a page ends in a pointer."""
    paper.set_font(FONT, size=7)
    words = "\n".join([image.title, *image.labels, *image.remarks])
    lines_of = paper.multi_cell(SIDE, LINE, words, align="L", dry_run=True, output=MethodReturnValue.LINES)
    lines = cast("list[str]", lines_of)  # that is what `output` asks for
    return lines if len(lines) <= MOST_LINES else [*lines[: MOST_LINES - 1], "… galleries.csv has the rest"]


def _drawing(piece: Piece, draw_exhibit: ExhibitDrawer) -> bytes | None:
    return draw_exhibit(piece.exhibit, "png") if piece.exhibit and piece.exhibit.draw else None


def _height(drawing: bytes | None) -> float:
    return _size(drawing)[1] if drawing else 0.0


def _size(drawing: bytes) -> tuple[float, float]:
    """Width and height on the page, in mm: as wide as allowed unless that is too high."""
    with Image.open(io.BytesIO(drawing)) as opened:
        width, height = opened.size
    scale = min(IMAGE_WIDTH / width, IMAGE_HEIGHT / height)
    return width * scale, height * scale


def _table(paper: FPDF, table: Table) -> None:
    paper.set_font(FONT, size=7)
    paper.set_draw_color(*RULE)
    numbers = [head.is_number for head in table.heads]
    widths = _widths(table)
    with paper.table(
        col_widths=widths,
        text_align=["RIGHT" if is_number else "LEFT" for is_number in numbers],
        headings_style=FontFace(emphasis="BOLD", color=QUIET),
        borders_layout="HORIZONTAL_LINES",
        line_height=4,
        v_align="TOP",
    ) as grid:
        grid.row([head.text for head in table.heads])
        for line in table.display_rows()[:MOST_ROWS]:
            grid.row([cell.text for cell in line.cells])
    if len(table.rows) > MOST_ROWS:
        _words(
            paper,
            f"… and {len(table.rows) - MOST_ROWS} more rows: the bundle has them all.",
            size=8,
            colour=QUIET,
        )


def _widths(table: Table) -> tuple[int, ...]:
    """Shares of the page by the longest words of each column, within reason."""
    texts = [[cell.text for cell in line.cells] for line in table.display_rows()[:MOST_ROWS]]
    longest = [max(len(text) for text in column) for column in zip(table.columns, *texts, strict=True)]
    return tuple(min(max(n, 6), 45) for n in longest)


def _words(
    paper: FPDF, text: str, *, size: int, bold: bool = False, colour: tuple[int, int, int] = INK
) -> None:
    paper.set_font(FONT, "B" if bold else "", size)
    paper.set_text_color(*colour)
    paper.multi_cell(0, size * 0.5, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    paper.set_text_color(*INK)
    paper.ln(1)
