"""A hostile file breaks the decoder's child at most, and only until the next file."""

from __future__ import annotations

import csv
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pool.canonical.pixels import RefusedImageError, encode_png
from pool.imports.decoding import Decoder
from tests.factories import make_pixels
from tests.pool.files import image_bytes, png_chunks, saved


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder() as decoder:
        yield decoder


def test_every_hostile_file_is_handled_as_its_manifest_expects(decoder: Decoder, shared_data: Path) -> None:
    folder = shared_data / "hostile"
    with (folder / "manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if not row["file"].endswith(".zip")]

    for row in rows:
        data = (folder / row["file"]).read_bytes()
        if row["expected"].startswith("reject"):
            with pytest.raises(RefusedImageError, match=r"^[A-Z].*\.$"):
                decoder.decode(data, row["file"])
        else:
            pixels = decoder.decode(data, row["file"]).pixels
            assert pixels.shape == (320, 320), row["file"]
            assert set(png_chunks(encode_png(pixels))) == {"IHDR", "IDAT", "IEND"}, row["file"]

    assert rows


def test_decoder_gives_what_decoding_here_gives(decoder: Decoder) -> None:
    pixels = make_pixels(bits=16)

    found = decoder.decode(saved(Image.fromarray(pixels)), "a.png")

    assert np.array_equal(found.pixels, pixels)
    assert found.patient_id == ""


def test_a_file_that_takes_too_long_is_refused_and_the_next_goes_in() -> None:
    with Decoder(seconds=1) as decoder:
        os.kill(decoder.process_id, signal.SIGSTOP)  # a child that never answers
        started = time.monotonic()
        with pytest.raises(RefusedImageError, match="longer than 1 second"):
            decoder.decode(image_bytes(), "slow.png")

        assert time.monotonic() - started < 10
        assert decoder.decode(image_bytes(), "next.png").pixels.shape == (32, 32)


def test_a_file_that_kills_the_decoder_is_refused_and_the_next_goes_in() -> None:
    with Decoder() as decoder:
        child = decoder.process_id
        os.kill(child, signal.SIGSTOP)
        threading.Timer(0.1, os.kill, (child, signal.SIGKILL)).start()
        with pytest.raises(RefusedImageError, match="made the decoder stop"):
            decoder.decode(image_bytes(), "deadly.png")

        assert decoder.decode(image_bytes(), "next.png").pixels.shape == (32, 32)


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not limit a process's memory")
def test_an_image_that_needs_too_much_memory_is_refused() -> None:
    wide = saved(Image.new("RGB", (7000, 7000)))
    with Decoder(memory=600 * 2**20) as decoder:
        with pytest.raises(RefusedImageError, match=r"memory|damaged"):
            decoder.decode(wide, "wide.png")

        assert decoder.decode(image_bytes(), "next.png").pixels.shape == (32, 32)


def test_the_child_knows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "canary")
    with Decoder() as decoder:
        decoder.decode(image_bytes(), "a.png")

        environment = Path(f"/proc/{decoder.process_id}/environ")
        if not environment.exists():
            pytest.skip("this system does not show a process's environment")
        assert b"canary" not in environment.read_bytes()


def test_nothing_is_left_running() -> None:
    with Decoder() as decoder:
        decoder.decode(image_bytes(), "a.png")
        child = decoder.process_id

    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
