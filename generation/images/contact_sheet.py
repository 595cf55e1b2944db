"""Many images on one sheet, each with its number, to look over or to print."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from generation.images.outcomes import GeneratedImage
from pool.canonical.previews import thumbnail_png

COLUMNS = 10
PER_SHEET = 100
CELL, CAPTION, GAP = 192, 20, 8


def contact_sheet(made: Sequence[GeneratedImage]) -> bytes:
    """A PNG: ten columns, left-out images crossed, under each its index in the job."""
    rows = max(1, -(-len(made) // COLUMNS))
    columns = max(1, min(COLUMNS, len(made)))
    sheet = Pillow.new("L", (columns * (CELL + GAP) + GAP, rows * (CELL + CAPTION + GAP) + GAP), 255)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for place, one in enumerate(made):
        left = GAP + place % COLUMNS * (CELL + GAP)
        top = GAP + place // COLUMNS * (CELL + CAPTION + GAP)
        if one.image is None:
            continue
        with Pillow.open(BytesIO(thumbnail_png(one.image)), formats=["PNG"]) as small:
            sheet.paste(
                small.convert("L"), (left + (CELL - small.width) // 2, top + (CELL - small.height) // 2)
            )
        if one.image.excluded_reason:
            pen.line((left, top, left + CELL, top + CELL), fill=255, width=3)
            pen.line((left, top + CELL, left + CELL, top), fill=0, width=3)
        said = f"{one.index}  left out" if one.image.excluded_reason else str(one.index)
        pen.text((left, top + CELL + 2), said, fill=0, font=font)
    data = BytesIO()
    sheet.save(data, "PNG")
    return data.getvalue()
