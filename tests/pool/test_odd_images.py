"""Images that are no DICOM, of the odd kinds: what is shown, what is noted, and what is refused."""

from __future__ import annotations

import io
import zlib
from itertools import product
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from PIL import Image, ImageCms

from pool.canonical.pixels import RefusedImageError
from tests.pool.files import saved
from tests.pool.test_odd_kinds import COLUMNS, ROWS, codes, is_the_ramp, ramp, taken


def grey16() -> npt.NDArray[np.uint16]:
    return ramp(0, 4095).view("<u2").astype(np.uint16)


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_sixteen_bit_pngs_keep_their_depth_in_any_channels(channels: int) -> None:
    values = np.repeat(grey16()[..., None], channels, axis=2)
    if channels in {2, 4}:
        values[..., -1] = 65535

    decoded = taken(bytes(imagecodecs.png_encode(values)), "a.png")

    assert np.array_equal(decoded.pixels, grey16())


def test_an_image_all_transparent_is_shown_and_noted() -> None:
    rgba = np.zeros((ROWS, COLUMNS, 4), dtype=np.uint8)
    rgba[..., :3] = ramp(0, 255).astype(np.uint8)[..., None]

    decoded = taken(saved(Image.fromarray(rgba)), "a.png")

    assert is_the_ramp(decoded.pixels)
    assert codes(decoded) == {"alpha"}


@pytest.mark.parametrize("kind", ["WEBP", "AVIF", "JPEG2000"])
def test_younger_formats_are_read(kind: str) -> None:
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    grey = Image.fromarray(ramp(0, 255).astype(np.uint8))

    decoded = taken(saved(grey.convert("RGB") if kind != "JPEG2000" else grey, kind, **options), "a")

    assert is_the_ramp(decoded.pixels, tolerance=0.05)


def test_a_jpeg_of_twelve_bits_keeps_them() -> None:
    decoded = taken(bytes(imagecodecs.jpeg_encode(grey16(), level=98, bitspersample=12)), "a.jpg")

    assert decoded.pixels.dtype == np.uint16
    assert abs(int(decoded.pixels.max()) - 4095) < 40


def test_a_png_of_another_gamma_is_shown_as_its_maker_saw_it() -> None:
    plain = saved(Image.fromarray(ramp(0, 255).astype(np.uint8)))
    chunk = b"gAMA" + (100_000).to_bytes(4, "big")
    linear = plain[:33] + (4).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big") + plain[33:]

    decoded = taken(linear, "a.png")

    middle = decoded.pixels[0, COLUMNS // 2] / 255
    assert middle == pytest.approx((COLUMNS // 2 / (COLUMNS - 1)) ** (1 / 2.2), abs=0.02)
    assert codes(decoded) == {"gamma"}


def test_a_screens_own_profile_changes_nothing() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    colour = Image.fromarray(ramp(0, 255).astype(np.uint8)).convert("RGB")

    decoded = taken(saved(colour, "PNG", icc_profile=profile), "a.png")

    assert is_the_ramp(decoded.pixels)
    assert not decoded.notes


def test_a_resolution_that_differs_by_direction_is_followed() -> None:
    decoded = taken(saved(Image.fromarray(ramp(0, 255).astype(np.uint8)), "PNG", dpi=(200, 100)), "a.png")

    assert decoded.pixels.shape == (2 * ROWS, COLUMNS)
    assert codes(decoded) == {"shape"}


@pytest.mark.parametrize(
    ("beginning", "why"),
    [
        (b"PK\x03\x04", "archive"),
        (b"7z\xbc\xaf\x27\x1c", "archive"),
        (b"\x1f\x8b\x08", "archive"),
        (b"%PDF-1.7", "PDF"),
        (b"GIF89a", "GIF"),
        (b"hello", "Not an allowed image type"),
    ],
)
def test_a_file_is_refused_as_what_it_is(beginning: bytes, why: str) -> None:
    with pytest.raises(RefusedImageError, match=why):
        taken(beginning + bytes(100), "a.png")


def tiff(values: npt.NDArray[Any], **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, **options)
    return buffer.getvalue()


LOSSLESS = [None, "lzw", "deflate", "packbits"]
# The encoder of JPEG 2000 takes no sign.
KINDS_OF_TIFF = [*product([np.uint8, np.int8], LOSSLESS), (np.uint8, "jpeg2000")]


@pytest.mark.parametrize(("dtype", "compression"), KINDS_OF_TIFF)
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_a_tiff_of_eight_bits_is_read_in_any_compression(
    dtype: type, compression: str | None, byteorder: str
) -> None:
    levels = ramp(0, 255).astype(np.int16)
    values = (levels - 128).astype(np.int8) if dtype is np.int8 else levels.astype(np.uint8)

    decoded = taken(tiff(values, compression=compression, byteorder=byteorder), "a.tif")

    assert is_the_ramp(decoded.pixels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int8, np.int16])
def test_a_tiff_in_which_white_is_lowest_is_turned_round(dtype: type) -> None:
    info = np.iinfo(dtype)
    values = np.linspace(info.max, info.min, COLUMNS).round()
    falling: npt.NDArray[Any] = np.tile(values, (ROWS, 1)).astype(dtype)

    decoded = taken(tiff(falling, photometric="miniswhite"), "a.tif")

    assert is_the_ramp(decoded.pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_deep_tiff_is_turned_as_a_shallow_one_is(orientation: int) -> None:
    shallow = np.arange(ROWS * COLUMNS, dtype=np.uint32).reshape(ROWS, COLUMNS) % 251
    tag = [(274, "H", 1, orientation, True)]

    eight, sixteen = (
        taken(tiff(shallow.astype(kind), extratags=tag), "a.tif").pixels for kind in (np.uint8, np.uint16)
    )

    assert np.array_equal(eight, sixteen)
