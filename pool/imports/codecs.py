"""What decoders read from the disk only when a file first needs it, read at once: behind its wall a child cannot."""

from __future__ import annotations

import contextlib
import encodings
import importlib
import pkgutil

from PIL import Image

from pool.imports.raster.image import register_heif

ELSEWHERE = {"mbcs", "oem"}  # encodings of Windows
CODECS = ("png", "jpeg", "jpegls", "ljpeg", "jpeg2k", "jpegxl", "tiff", "webp", "zlib", "lzw", "packbits")


def load_codecs() -> None:
    """Load every decoder, plugin and encoding that a file can ask for."""
    Image.init()
    register_heif()
    for module in pkgutil.iter_modules(encodings.__path__):
        if module.name not in ELSEWHERE:
            importlib.import_module(f"encodings.{module.name}")
    _load_tiff()
    _load_dicom()
    for name in ("nrrd", "nibabel", "numpy.ma", "PIL.ImageCms", "_strptime", "bz2", "lzma", "gzip", "zlib"):
        importlib.import_module(name)


def _load_tiff() -> None:
    import imagecodecs
    import tifffile

    for name in CODECS:
        with contextlib.suppress(ImportError, AttributeError):  # a build without this codec
            getattr(imagecodecs, f"{name}_decode")
    for codecs, keys in (
        (tifffile.TIFF.DECOMPRESSORS, tifffile.COMPRESSION),
        (tifffile.TIFF.UNPREDICTORS, tifffile.PREDICTOR),
    ):
        for key in keys:
            with contextlib.suppress(KeyError, ImportError, AttributeError):
                codecs[key]


def _load_dicom() -> None:
    """pydicom's decoders look for their libraries when they are first asked what they are."""
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import AllTransferSyntaxes

    for syntax in AllTransferSyntaxes:
        with contextlib.suppress(NotImplementedError):
            _ = get_decoder(syntax).is_available
    with contextlib.suppress(ImportError):
        importlib.import_module("gdcm")
