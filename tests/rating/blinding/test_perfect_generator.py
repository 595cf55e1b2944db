"""A perfect generator passes the audit: what it gives back is what a real image becomes on its way to raters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from pool.canonical.pixels import Pixels, blinded_derivative, decode_png, fitted_square
from pool.imports.dicom import decode as decode_dicom
from pool.imports.raster import decode as decode_raster
from rating.blinding import checks
from rating.blinding.checks import Examined
from rating.blinding.containers import container_of
from rating.blinding.findings import Finding, Verdict
from rating.blinding.intensity import grey_features, sharpness_features

EACH_ARM = 100
DRAWS = 4
# By luck alone one draw in a hundred lies beyond the band on the side of an alarm; two of four in nearly two thousand runs.
MOST_BEYOND = 1


@pytest.fixture(scope="module", params=["xray", "ct"])
def images(request: pytest.FixtureRequest, shared_data: Path) -> list[Pixels]:
    paths = sorted(
        path for path in (shared_data / request.param).iterdir() if path.suffix in {".png", ".jpg", ".jpeg"}
    )
    return [decode_raster(path.read_bytes()) for path in paths]


@pytest.mark.parametrize("side", [64, 128, 256])
def test_what_training_saw_is_shown_byte_for_byte_as_its_source_is(images: list[Pixels], side: int) -> None:
    for image in images[:20]:
        square = fitted_square(image, side=side)

        assert np.array_equal(fitted_square(square, side=side), square)
        assert blinded_derivative(square, side=side) == blinded_derivative(image, side=side)


def test_so_it_is_of_sixteen_bits(shared_data: Path) -> None:
    deep = decode_dicom((shared_data / "dicom" / "chest_ct_explicit_le.dcm").read_bytes()).pixels
    square = fitted_square(deep, side=128)

    assert deep.dtype == np.uint16
    assert blinded_derivative(square, side=128) == blinded_derivative(deep, side=128)


@pytest.mark.parametrize(("trained_at", "canvas"), [(128, 128), (256, 256), (256, 128)])
def test_real_images_of_others_shrunk_as_training_shrinks_them_are_not_told_from_originals(
    images: list[Pixels], trained_at: int, canvas: int
) -> None:
    pairs = [
        both_ways(image, place, trained_at=trained_at, canvas=canvas)
        for place, image in enumerate(images[: 2 * EACH_ARM])
    ]

    findings = [finding for seed in range(DRAWS) for finding in audited(pairs, canvas=canvas, seed=seed)]

    by_check = {finding.check for finding in findings}
    alarms = {
        check: sum(f.verdict != Verdict.GREEN for f in findings if f.check == check) for check in by_check
    }
    assert len(findings) == 4 * DRAWS
    assert not [finding for finding in findings if finding.verdict == Verdict.RED]
    assert all(count <= MOST_BEYOND for count in alarms.values()), alarms
    assert 0.4 < np.mean([f.detail["auc"] for f in findings if "auc" in f.detail]) < 0.6


def both_ways(image: Pixels, place: int, *, trained_at: int, canvas: int) -> tuple[Examined, Examined]:
    """What the audit knows of an original, and of what training saw of it, standing among the fakes."""
    return (
        examined(image, place, synthetic=False, canvas=canvas),
        examined(fitted_square(image, side=trained_at), place, synthetic=True, canvas=canvas),
    )


def examined(source: Pixels, place: int, *, synthetic: bool, canvas: int) -> Examined:
    png = blinded_derivative(source, side=canvas)
    shown = decode_png(png)
    return Examined(
        code=f"I{place:04}",
        synthetic=synthetic,
        counts=True,
        container=container_of(png, thorough=True),
        ranks=(0.0, 0.0, 0.0),
        native=(source.shape[1], source.shape[0], 8),
        grey=grey_features(shown),
        sharpness=sharpness_features(shown),
    )


def audited(pairs: Sequence[tuple[Examined, Examined]], *, canvas: int, seed: int) -> list[Finding]:
    """The audit's findings where chance says of which images the original is shown, and of which the other."""
    arms = np.random.default_rng(seed).permutation(len(pairs)) % 2
    images = [pair[arm] for pair, arm in zip(pairs, arms, strict=True)]
    return [
        checks.check_headers(images, side=canvas, bits=8),
        checks.check_container(images, seed=seed),
        checks.check_grey_levels(images, seed=seed),
        checks.check_sharpness(images, seed=seed),
    ]
