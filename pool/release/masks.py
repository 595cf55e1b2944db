"""Rectangles laid over an image before its release, so that what they cover is gone for good."""

from __future__ import annotations

import re
from typing import NamedTuple

from pool.canonical.pixels import Pixels

MOST_RECTANGLES = 50
# The whole line: of “10.5, 20.5” or “0 0 123456” no four numbers are to be picked that mask another place.
LINE = re.compile(r"\s*" + r"(?:\s*,\s*|\s+)".join([r"([0-9]{1,5})"] * 4) + r"\s*")


class BadMaskError(ValueError):
    """The text names no rectangles on this image; the message is one sentence."""


class Rectangle(NamedTuple):
    """In pixels of the image, from its upper left corner."""

    left: int
    top: int
    width: int
    height: int


def rectangles_of(text: str, *, width: int, height: int) -> list[Rectangle]:
    """The rectangles of a text, one a line, cut to the image. Raises BadMaskError."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > MOST_RECTANGLES:
        raise BadMaskError(f"{len(lines)} rectangles; {MOST_RECTANGLES} are allowed.")
    return [_rectangle(line, width, height) for line in lines]


def _rectangle(line: str, width: int, height: int) -> Rectangle:
    match = LINE.fullmatch(line)
    if match is None:
        raise BadMaskError(f"“{line.strip()[:40]}” is no rectangle: left, top, width and height, in pixels.")
    left, top, across, down = map(int, match.groups())
    if left >= width or top >= height or not across or not down:
        raise BadMaskError(f"“{line.strip()[:40]}” covers nothing of an image of {width}×{height} pixels.")
    return Rectangle(left, top, min(across, width - left), min(down, height - top))


def masked(pixels: Pixels, rectangles: list[Rectangle]) -> Pixels:
    """The pixels, black inside every rectangle."""
    covered: Pixels = pixels.copy()
    for left, top, width, height in rectangles:
        covered[top : top + height, left : left + width] = 0
    return covered
