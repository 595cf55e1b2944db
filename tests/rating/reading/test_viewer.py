"""What the browser paints is what the server stored, pixel for pixel."""

import hashlib

import numpy as np
import pytest

from pool.canonical.pixels import decode_png
from tests.rating.cast import presentations
from tests.rating.reading.rooms import enter, reading_study

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]
PIXELS = """async (url) => {
  const { decodeGreyPng } = await import('/static/js/reading/png.js');
  const { pixels, bits } = await decodeGreyPng(await (await fetch(url)).arrayBuffer());
  const digest = await crypto.subtle.digest('SHA-256', pixels);
  return { bits, sha256: [...new Uint8Array(digest)].map((b) => b.toString(16).padStart(2, '0')).join('') };
}"""
CORNER = """() => {
  const { data } = document.querySelector('canvas').getContext('2d').getImageData(0, 0, 64, 64);
  return [...data].filter((_, i) => i % 4 === 0);
}"""


@pytest.mark.parametrize("bits", [8, 16])
def test_decoded_pixels_equal_numpys(open_browser, rater, bits):
    study = reading_study(raters=[rater], bits=bits, canvas=131)
    page = open_browser(rater)
    enter(page, study)

    for presentation in presentations(study, rater)[:3]:
        decoded = page.evaluate(PIXELS, f"/i/{presentation.token}")
        with presentation.study_image.derivative.open("rb") as file:
            pixels = decode_png(file.read())
        assert decoded["bits"] == bits == pixels.dtype.itemsize * 8
        assert decoded["sha256"] == hashlib.sha256(pixels.tobytes()).hexdigest()


@pytest.mark.parametrize("bits", [8, 16])
def test_painted_greys_are_the_pixels_through_the_window(open_browser, rater, bits):
    study = reading_study(raters=[rater], bits=bits, canvas=64)
    page = open_browser(rater)
    enter(page, study)

    painted = np.array(page.evaluate(CORNER))

    with presentations(study, rater)[0].study_image.derivative.open("rb") as file:
        pixels = decode_png(file.read()).astype(float).ravel()
    assert np.abs(painted - pixels * 255 / (2**bits - 1)).max() <= 0.5 + 1e-6


SHOWN_WIDTH = "() => document.querySelector('canvas').getBoundingClientRect().width * devicePixelRatio"


def test_actual_size_shows_one_pixel_of_the_image_on_one_of_the_screen(open_browser, rater):
    study = reading_study(raters=[rater], canvas=256)
    page = open_browser(rater, device_scale_factor=2)
    enter(page, study)
    fitted = page.evaluate(SHOWN_WIDTH)

    page.keyboard.press("a")
    actual = page.evaluate(SHOWN_WIDTH)
    page.keyboard.press("=")

    assert actual == pytest.approx(256)
    assert page.evaluate(SHOWN_WIDTH) == pytest.approx(fitted) != pytest.approx(256)
