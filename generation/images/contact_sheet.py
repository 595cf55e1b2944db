"""Many images on one sheet, each with its number, to look over or to print."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from generation.images.outcomes import GeneratedImage
from pool.canonical.previews import thumbnail_png
from pool.models import Image
from pool.storage.stored_files import LostFileError, placeholder_png

COLUMNS = 10
PER_SHEET = 100
CELL, CAPTION, GAP = 192, 20, 8


def contact_sheet(outcomes: Sequence[GeneratedImage]) -> bytes:
    """A PNG: ten columns, left-out images crossed, under each its index in the job."""
    rows = max(1, -(-len(outcomes) // COLUMNS))
    columns = max(1, min(COLUMNS, len(outcomes)))
    sheet = Pillow.new("L", (columns * (CELL + GAP) + GAP, rows * (CELL + CAPTION + GAP) + GAP), 255)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for place, outcome in enumerate(outcomes):
        x = GAP + place % COLUMNS * (CELL + GAP)
        y = GAP + place // COLUMNS * (CELL + CAPTION + GAP)
        if outcome.image is None:
            continue
        with Pillow.open(BytesIO(_thumbnail(outcome.image)), formats=["PNG"]) as small:
            sheet.paste(small.convert("L"), (x + (CELL - small.width) // 2, y + (CELL - small.height) // 2))
        if outcome.image.excluded_reason:
            pen.line((x, y, x + CELL, y + CELL), fill=255, width=3)
            pen.line((x, y + CELL, x + CELL, y), fill=0, width=3)
        caption = f"{outcome.index}  left out" if outcome.image.excluded_reason else str(outcome.index)
        pen.text((x, y + CELL + 2), caption, fill=0, font=font)
    data = BytesIO()
    sheet.save(data, "PNG")
    return data.getvalue()


def _thumbnail(image: Image) -> bytes:
    try:
        return thumbnail_png(image)
    except LostFileError:
        return placeholder_png(CELL)
