"""A mark at one place, a vignette: seen in every draw of real X-rays; no alarm on pools dealt by chance."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage
from PIL import ImageDraw
from scipy import stats

from pool.canonical.pixels import Pixels, blinded_derivative, decode_png
from pool.imports.raster import decode
from pool.models import Origin
from rating.blinding.cells import GRID, KINDS, cells, place_in_words
from rating.blinding.checks import Examined
from rating.blinding.containers import container_of
from rating.blinding.findings import Finding, Verdict
from rating.blinding.heat_map import SIDE, HeatMap, heat_map_png
from rating.blinding.largest_difference import largest_difference
from rating.blinding.place_check import check_cells, check_shading
from tests.rating.blinding.planting import noted
from tests.rating.blinding.pools import arms, audited, filled, study_of

CANVAS = 256
Marking = Callable[[Pixels], Pixels]
CONTAINER = container_of(blinded_derivative(np.eye(16, dtype=np.uint8), side=16))


@pytest.fixture(scope="module")
def xrays(shared_data: Path) -> list[Pixels]:
    """Derivatives of 200 X-rays, drawn once."""
    files = sorted(path for path in shared_data.glob("xray/*") if path.suffix in {".jpg", ".png"})
    drawn = [files[n] for n in np.random.default_rng(5).permutation(len(files))[:200]]
    return [decode_png(blinded_derivative(decode(path.read_bytes()), side=CANVAS)) for path in drawn]


def signature(pixels: Pixels) -> Pixels:
    """Five small squares at the lower right, as one image service signs its images."""
    marked = pixels.copy()
    for square, level in enumerate((250, 200, 120, 60, 20)):
        marked[-4:, CANVAS - 4 * (5 - square) : CANVAS - 4 * (4 - square) or None] = level
    return marked


def lettered(pixels: Pixels) -> Pixels:
    marked = PillowImage.fromarray(pixels)
    ImageDraw.Draw(marked).text((8, 8), "R", fill=255, font_size=18)
    return np.asarray(marked)


def dotted(pixels: Pixels) -> Pixels:
    marked = pixels.copy()
    marked[100:103, 60:63] = 255
    return marked


def vignetted(pixels: Pixels) -> Pixels:
    y, x = np.mgrid[-1 : 1 : CANVAS * 1j, -1 : 1 : CANVAS * 1j]
    return np.asarray(pixels * (1 - 0.15 * (x**2 + y**2)), dtype=np.uint8)


def with_gamma(pixels: Pixels) -> Pixels:
    return np.asarray(255 * (pixels / 255) ** 1.3, dtype=np.uint8)


def with_lifted_background(pixels: Pixels) -> Pixels:
    return np.maximum(pixels, 25)


def study_images(
    pixels_of: list[Pixels], each: int, draw: int, mark: Marking | None = None, *, marked_arm: bool = True
) -> list[Examined]:
    """Images dealt to two arms by chance, one of them marked."""
    drawn = np.random.default_rng([each, draw]).permutation(len(pixels_of))[: 2 * each]
    images = []
    for number, at in enumerate(drawn):
        synthetic = number >= each
        pixels = mark(pixels_of[at]) if mark and synthetic == marked_arm else pixels_of[at]
        native = (CANVAS, CANVAS, 8)
        images.append(
            Examined(f"I{number:04}", synthetic, True, CONTAINER, (0, 0, 0), native, cells=cells(pixels))
        )
    return images


LEAKS: dict[str, tuple[Marking, bool, Callable[..., Finding], str]] = {
    "signature on every fake": (signature, True, check_cells, "the lower right"),
    "R on every real": (lettered, False, check_cells, "the upper left"),
    "dot on every fake": (dotted, True, check_cells, "the left edge"),
    "vignette on every fake": (vignetted, True, check_shading, "outermost ring"),
    "gamma of every fake": (with_gamma, True, check_shading, ""),
    "background level of every fake": (with_lifted_background, True, check_cells, ""),
}


@pytest.mark.parametrize("each", [30, 100])
@pytest.mark.parametrize("leak", LEAKS)
def test_a_mark_at_one_place_is_red_and_the_sentence_says_where(
    xrays: list[Pixels], leak: str, each: int
) -> None:
    mark, arm, check, where = LEAKS[leak]

    finding = check(study_images(xrays, each, 0, mark, marked_arm=arm), seed=1)

    verdict = noted(finding, f"{leak}, {each} of each arm")
    if check == check_shading:
        assert verdict in {Verdict.RED, Verdict.AMBER}
    else:
        assert finding.verdict == Verdict.RED
        assert where in finding.reason


@pytest.mark.parametrize("check", [check_cells, check_shading])
def test_pools_dealt_by_chance_raise_no_alarm(xrays: list[Pixels], check: Callable[..., Finding]) -> None:
    findings = [check(study_images(xrays, 30, draw), seed=draw) for draw in range(5)]

    assert {finding.verdict for finding in findings} == {Verdict.GREEN}


def test_the_difference_is_that_of_the_rank_sum_test() -> None:
    noise = np.random.default_rng(3)
    features = np.round(noise.normal(size=(50, 7)), 1)  # with ties
    synthetic = np.arange(50) >= 20

    result = largest_difference(features, synthetic, seed=1, shuffles=50)

    for column, z, auc in zip(features.T, result.z, result.auc, strict=True):
        u = stats.mannwhitneyu(
            column[synthetic], column[~synthetic], use_continuity=False, method="asymptotic"
        )
        assert auc == pytest.approx(u.statistic / (20 * 30), abs=1e-6)
        assert 2 * stats.norm.sf(abs(z)) == pytest.approx(u.pvalue, rel=1e-3)


def test_luck_is_as_frequent_as_its_p_says() -> None:
    noise = np.random.default_rng(8)
    ps = [
        largest_difference(noise.normal(size=(30, 300)), np.arange(30) >= 15, seed=draw, shuffles=199).p
        for draw in range(100)
    ]

    assert 3 <= sum(p <= 0.1 for p in ps) <= 18  # 10 are expected, with a standard deviation of 3


def test_a_cell_holds_the_brightest_darkest_and_mean_of_its_pixels() -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (100, 100), dtype=np.uint8)

    grid = cells(pixels)

    first = np.floor(np.linspace(0, 100, GRID, endpoint=False)).astype(int)
    part = pixels[first[3] : first[4], first[60] : first[61]]
    assert grid.shape == (len(KINDS), GRID, GRID)
    expected = [part.max() / 255, part.min() / 255, part.mean() / 255]
    assert grid[:, 3, 60] == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ((0, 0), "the upper left"),
        ((63, 63), "the lower right"),
        ((30, 30), "the middle"),
        ((30, 60), "the right edge"),
    ],
)
def test_a_place_has_a_name(cell: tuple[int, int], words: str) -> None:
    assert place_in_words(*cell, (64, 64)) == words


def test_the_map_is_strong_only_beyond_luck() -> None:
    heat_map = HeatMap(z=[[90, 0], [-30, -80]], luck=40, mean=[[100, 100], [100, 100]])

    with PillowImage.open(io.BytesIO(heat_map_png(heat_map))) as image:
        pixels = np.asarray(image).astype(int)

    strong, none, faint, blue = (pixels[y, x] for y in (9, SIDE - 9) for x in (9, SIDE - 9))
    assert strong[0] - strong[2] > 150
    assert list(none) == [100, 100, 100]
    assert abs(faint - 100).max() < 30
    assert blue[2] - blue[0] > 100


@pytest.mark.django_db
def test_the_map_is_kept_with_the_audit_of_a_study() -> None:
    real, fake = arms(each=12)
    fake = [np.where(np.indices(p.shape).sum(axis=0) < 12, 255, p).astype(np.uint8) for p in fake]

    audit = audited(study_of(filled(Origin.REAL, real), filled(Origin.SYNTHETIC, fake)))

    finding = next(f for f in audit.findings if f["check"] == "Places in the image")
    assert finding["verdict"] == "red"
    assert "the upper left" in finding["reason"]
    assert audit.heat_map is not None
    z = np.array(audit.heat_map["z"])
    assert z.shape == (GRID, GRID)
    assert np.unravel_index(np.abs(z).argmax(), z.shape) < (5, 5)
