"""PNG, JPEG, TIFF and their younger relatives as canonical pixels."""

from pool.imports.raster.picture import decode

__all__ = ["decode"]
