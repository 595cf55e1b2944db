"""The container of an image as it lies in storage: what a file says beside its pixels."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from pool.canonical.pixels import decode_png, encode_png

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHUNKS = ("IHDR", "IDAT", "IEND")
GREY = 0


@dataclass(frozen=True, slots=True)
class Container:
    """A file's header; `surplus` is how many bytes it is longer than the same pixels by our own encoder."""

    width: int
    height: int
    depth: int
    colour: int
    chunks: tuple[str, ...]
    extra_bytes: int
    surplus: int | None = None

    def faults(self, *, side: int, bits: int) -> list[str]:
        """What is not as every derivative must be, in a few words each."""
        faults = []
        if (self.width, self.height) != (side, side):
            faults.append(f"{self.width}×{self.height} pixels")
        if self.depth != bits:
            faults.append(f"{self.depth} bits")
        if self.colour != GREY:
            faults.append("not grey")
        if extra := sorted(set(self.chunks) - set(CHUNKS)):
            faults.append(f"chunks {', '.join(extra)}")
        if self.surplus:
            faults.append("another encoder")
        return faults

    def numbers(self) -> list[float]:
        """The header as features."""
        idat = sum(name == "IDAT" for name in self.chunks)
        return [
            self.width,
            self.height,
            self.depth,
            self.colour,
            len(self.chunks),
            idat,
            self.extra_bytes,
            self.surplus or 0,
        ]


def container_of(png: bytes, *, thorough: bool = True) -> Container:
    """A PNG's header; `thorough` also encodes its pixels again. Raises ValueError where it is no PNG."""
    if not png.startswith(SIGNATURE):
        raise ValueError("The file is not a PNG.")
    names: list[str] = []
    extra = 0
    at = len(SIGNATURE)
    while at + 8 <= len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        name = png[at + 4 : at + 8].decode("latin-1")
        names.append(name)
        extra += length if name not in CHUNKS else 0
        at += length + 12
    extra += len(png) - at  # whatever is hung on after the end
    width, height, depth, colour = struct.unpack(">IIBB", png[16:26])
    surplus = len(png) - len(encode_png(decode_png(png))) if thorough else None
    return Container(width, height, depth, colour, tuple(names), extra, surplus)
