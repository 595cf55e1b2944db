"""PNG, JPEG, TIFF and their younger relatives as canonical pixels."""

from pool.imports.raster.image import decode

__all__ = ["decode"]
