"""Every image becomes the same plain thing."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from pool.canonical.pixels import (
    Pixels,
    RefusedImageError,
    blinded_derivative,
    decode_png,
    encode_png,
    perceptual_hash,
    pixel_sha256,
    thumbnail,
    to_8bit,
)
from pool.imports.raster import decode
from tests.factories import make_pixels
from tests.pool.files import image_bytes, png_chunks, saved

grey8 = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, min_side=16, max_side=40))
grey16 = arrays(np.uint16, array_shapes(min_dims=2, max_dims=2, min_side=16, max_side=40))
colour8 = arrays(np.uint8, st.tuples(st.integers(16, 40), st.integers(16, 40), st.just(3)))


@settings(max_examples=60, deadline=None)
@given(grey8 | grey16 | colour8)
def test_png_gives_back_the_very_pixels_and_holds_nothing_else(pixels: Pixels) -> None:
    data = encode_png(pixels)

    back = decode_png(data)
    assert back.dtype == pixels.dtype
    assert np.array_equal(back, pixels)
    assert set(png_chunks(data)) == {"IHDR", "IDAT", "IEND"}
    assert encode_png(pixels.copy()) == data


@settings(max_examples=40, deadline=None)
@given(grey8 | grey16, st.sampled_from([8, 16]), st.sampled_from(["crop", "letterbox"]))
def test_every_derivative_has_the_same_container(pixels: Pixels, bits: int, fit: str) -> None:
    data = blinded_derivative(pixels, side=48, bits=bits, fit=fit)  # type: ignore[arg-type]  # sampled literals

    assert (
        data[:29] == blinded_derivative(make_pixels(side=300), side=48, bits=bits)[:29]
    )  # IHDR and all in it
    assert set(png_chunks(data)) == {"IHDR", "IDAT", "IEND"}
    assert decode_png(data).shape == (48, 48)


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=400))
def test_rubbish_is_refused_with_one_sentence(data: bytes) -> None:
    with pytest.raises(RefusedImageError, match=r"^[A-Z].*\.$"):
        decode(data)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_an_image_damaged_anywhere_is_decoded_or_refused(data: st.DataObject) -> None:
    content = bytearray(image_bytes(data.draw(st.sampled_from(["PNG", "JPEG", "TIFF"])), seed=1))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))

    with contextlib.suppress(RefusedImageError):
        assert decode(bytes(content)).dtype in (np.uint8, np.uint16)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_eight_bit_modes_become_grey(mode: str) -> None:
    pixels = decode(image_bytes("PNG", mode=mode))

    assert pixels.dtype == np.uint8
    assert pixels.shape == (32, 32)


def test_cmyk_becomes_grey_the_right_way_up() -> None:
    white = Image.new("RGB", (32, 32), "white").convert("CMYK")

    assert decode(saved(white, "JPEG")).min() > 250


def test_what_is_seen_through_is_black() -> None:
    half_clear = Image.new("RGBA", (32, 32), (255, 255, 255, 0))
    half_clear.paste((255, 255, 255, 255), (0, 0, 16, 32))

    pixels = decode(saved(half_clear))

    assert (pixels[:, :16].min(), pixels[:, 16:].max()) == (255, 0)


def test_colour_is_kept_where_asked_for() -> None:
    red = Image.new("RGB", (32, 32), "red")

    assert decode(saved(red), colour=True).tolist()[0][0] == [255, 0, 0]


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_stay_sixteen(kind: str) -> None:
    pixels = make_pixels(bits=16)

    assert np.array_equal(decode(saved(Image.fromarray(pixels), kind)), pixels)


def test_sixteen_bit_tiff_in_which_white_is_zero_is_turned_round() -> None:
    pixels = make_pixels(bits=16)
    negative = saved(Image.fromarray(np.uint16(65535) - pixels), "TIFF", tiffinfo={262: 0})

    assert np.array_equal(decode(negative), pixels)


def test_signed_slices_are_lifted_into_sixteen_bits() -> None:
    slice_ = np.full((32, 32), -1024, dtype=np.int32)
    slice_[0, 0] = 3000

    pixels = decode(saved(Image.fromarray(slice_), "TIFF"))

    assert pixels.dtype == np.uint16
    assert int(pixels[0, 0]) - int(pixels[1, 1]) == 4024


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (np.full((32, 32), 10**6, dtype=np.int32), "more than 16 bits"),
        (np.zeros((32, 32), dtype=np.float32), "floating-point"),
    ],
)
def test_deeper_pixels_are_refused(values: npt.NDArray[np.generic], why: str) -> None:
    with pytest.raises(RefusedImageError, match=why):
        decode(saved(Image.fromarray(values), "TIFF"))


def test_an_image_of_several_pages_is_refused() -> None:
    page = Image.fromarray(make_pixels())

    with pytest.raises(RefusedImageError, match="more than one image"):
        decode(saved(page, "TIFF", save_all=True, append_images=[page]))


def test_exif_orientation_is_applied() -> None:
    wide = Image.fromarray(make_pixels(side=32)).crop((0, 0, 32, 20))
    exif = Image.Exif()
    exif[0x0112] = 6

    assert decode(saved(wide, "PNG", exif=exif)).shape == (32, 20)


def test_equal_pixels_have_one_hash_whatever_they_came_in() -> None:
    pixels = make_pixels()
    image = Image.fromarray(pixels)

    hashes = {pixel_sha256(decode(saved(image, kind))) for kind in ("PNG", "TIFF")}

    assert hashes == {pixel_sha256(pixels)}
    assert pixel_sha256(pixels.reshape(16, 64)) not in hashes
    assert pixel_sha256(pixels.astype(np.uint16)) not in hashes


def test_near_copies_have_near_hashes() -> None:
    smooth, other = (
        np.asarray(Image.fromarray(make_pixels(side=16, seed=seed)).resize((256, 256)), dtype=np.uint8)
        for seed in (1, 2)
    )
    jpeg = decode(saved(Image.fromarray(smooth), "JPEG", quality=60))

    def bits_between(a: Pixels, b: Pixels) -> int:
        return (int(perceptual_hash(a), 16) ^ int(perceptual_hash(b), 16)).bit_count()

    assert len(perceptual_hash(smooth)) == 16
    assert bits_between(smooth, jpeg) <= 4 < bits_between(smooth, other)


def test_dark_sixteen_bits_are_windowed_not_clipped() -> None:
    ramp = np.linspace(1000, 5000, 64 * 64).reshape(64, 64).astype(np.uint16)

    shown = to_8bit(ramp)

    assert shown.min() == 0
    assert shown.max() == 255
    assert np.isin(shown, [0, 255]).mean() < 0.03


def test_thumbnail_keeps_the_shape() -> None:
    wide = np.zeros((100, 400), dtype=np.uint8)

    assert decode_png(thumbnail(wide, side=64)).shape == (16, 64)


@pytest.mark.parametrize("side", [40, 64, 200])
def test_range_of_the_source_does_not_show_in_the_derivative(side: int) -> None:
    bright = make_pixels(side=side).astype(np.float32)
    faint = (bright / 4 + 60).astype(np.uint8)  # a generator that never reaches black or white
    deep = (bright * 16).astype(np.uint16)  # a scanner that stores twelve bits

    ends = []
    for source in (bright.astype(np.uint8), faint, deep):
        shown = decode_png(blinded_derivative(source, side=64))
        assert (shown.min(), shown.max()) == (0, 255)
        ends.append(np.isin(shown, [0, 255]).mean())
    assert max(ends) - min(ends) < 0.01


def test_shape_of_the_source_does_not_show_unless_letterboxed() -> None:
    wide = make_pixels(side=64)[16:48]

    cropped = decode_png(blinded_derivative(wide, side=32))
    boxed = decode_png(blinded_derivative(wide, side=32, fit="letterbox"))

    assert cropped[0].any()
    assert not boxed[0].any()


def test_a_flat_image_has_a_derivative() -> None:
    assert decode_png(blinded_derivative(np.full((32, 32), 7, dtype=np.uint8), side=32)).max() == 0


def test_grey_and_colour_sources_share_one_form_in_a_colour_study() -> None:
    grey, colour = (decode(image_bytes(mode="RGB"), colour=wanted) for wanted in (False, True))

    shown = [decode_png(blinded_derivative(source, side=32, colour=True)) for source in (grey, colour)]

    assert (grey.ndim, colour.ndim) == (2, 3)
    assert [pixels.shape for pixels in shown] == [(32, 32, 3)] * 2


def test_sixteen_bit_colour_derivatives_do_not_exist() -> None:
    with pytest.raises(ValueError, match="bits"):
        blinded_derivative(make_pixels(), side=32, bits=16, colour=True)


def test_only_canonical_pixels_are_encoded() -> None:
    with pytest.raises(TypeError, match="canonical"):
        encode_png(np.zeros((16, 16), dtype=np.float32))  # type: ignore[arg-type]  # the mistake under test


def test_metadata_does_not_survive() -> None:
    told = io.BytesIO()
    Image.fromarray(make_pixels()).save(
        told, "JPEG", comment=b"prompt: lungs", exif=b"Exif\0\0", dpi=(72, 72)
    )

    assert set(png_chunks(encode_png(decode(told.getvalue())))) == {"IHDR", "IDAT", "IEND"}
