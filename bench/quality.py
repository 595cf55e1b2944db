"""How long the machine measures take once features are there, and how many images a second become features.

    python bench/quality.py [--json] [--images 10000] [--features 2048] [--extracted 256] [--extractor PATH]

Plain: no Django, no server. The matrix root is what other programs take for the Fréchet distance (SciPy's `sqrtm` of
a product of covariances, as in MONAI); beside it stands the distance of as few images as a held-out set has.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from generation.metrics.distances import fid, frechet, kid
from generation.metrics.extractors import extractor
from generation.metrics.feature_extractor import described
from generation.metrics.nearest import nearest
from generation.metrics.prdc import cover
from pool.copies import search as copies
from pool.copies.structure import SIDE, Structures, structures

FEW = 200
SMALL_FEATURES = 64


def timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def clouds(images: int, features: int) -> tuple[Any, Any]:
    dice = np.random.default_rng(0)
    real = dice.normal(size=(images, features)).astype(np.float32)
    return real, (1.1 * dice.normal(size=(images, features)) + 0.05).astype(np.float32)


def distances(images: int, features: int) -> dict[str, float]:
    """Seconds for both distances of `images` real and as many generated feature rows."""
    real, fake = clouds(images, features)
    return {
        "fid_s": timed(lambda: fid(real, fake)),
        "kid_with_interval_s": timed(lambda: kid(real, fake)),
    }


def against_a_matrix_root(features: int) -> dict[str, float]:
    """The Fréchet distance of 200 + 200 images, ours and by SciPy's matrix root."""
    from scipy import linalg

    real, fake = (rows.astype(np.float64) for rows in clouds(FEW, features))

    def root() -> float:
        one, other = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
        apart = real.mean(axis=0) - fake.mean(axis=0)
        shared = linalg.sqrtm(one @ other).real
        return float(apart @ apart + np.trace(one + other - 2 * shared))

    ours, theirs = timed(lambda: frechet(real, fake)), timed(root)
    return {"images": FEW, "cross_gram_s": ours, "matrix_root_s": theirs, "times": theirs / ours}


def neighbours(images: int) -> dict[str, float]:
    """Seconds to find the nearest of `images` to each of as many: by features, and the most similar by fine structure.

    The images are noise, which costs what X-rays cost.
    """
    real, fake = clouds(images, SMALL_FEATURES)
    fake_structures, real_structures = noise(images, seed=1), noise(images, seed=2)
    return {
        "features_s": timed(lambda: nearest(fake, real)),
        "coverage_s": timed(lambda: cover(real.astype(np.float64), fake.astype(np.float64))),
        "copies_s": timed(lambda: copies.nearest(fake_structures, real_structures)),
    }


def noise(images: int, *, seed: int) -> Structures:
    """Fine structures, of length one, of images that nobody drew."""
    fine = np.random.default_rng(seed).standard_normal((images, SIDE, SIDE), dtype=np.float32)
    fine /= np.linalg.norm(fine.reshape(images, -1), axis=1)[:, None, None]
    small = np.random.default_rng(seed).integers(256, size=fine.shape, dtype=np.uint8)
    return Structures(fine, small)


def extraction(images: int, spec: str) -> dict[str, Any]:
    """Images a second: 256 × 256 and grey to features, 128 × 128 to the structure that copies are looked for in."""
    dice = np.random.default_rng(0)
    noise_images = [dice.integers(0, 256, (256, 256), dtype=np.uint8) for _ in range(images)]
    network = extractor(spec)
    network.features(noise_images[:2])
    structures(np.stack(noise_images[:2]))
    return {
        "extractor": described(network),
        "features_per_s": images / timed(lambda: network.features(noise_images)),
        "structures_per_s": images / timed(lambda: structures(np.stack(noise_images)[:, ::2, ::2])),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--features", type=int, default=2048)
    parser.add_argument("--extracted", type=int, default=256)
    parser.add_argument("--extractor", default="", help="PATH or PATH#SHA256 of a TorchScript file")
    options = parser.parse_args()
    report = {
        "cores": os.cpu_count(),
        "images": options.images,
        "features": options.features,
        "distances": distances(options.images, options.features),
        "distances_small": distances(options.images, SMALL_FEATURES),
        "few": against_a_matrix_root(options.features),
        "nearest": neighbours(options.images),
        "extraction": extraction(options.extracted, options.extractor),
    }
    print(json.dumps(report) if options.json else as_table(report))


def as_table(report: dict[str, Any]) -> str:
    many = f"{report['images']:,} + {report['images']:,}"
    wide, small, few = report["distances"], report["distances_small"], report["few"]
    near, speeds = report["nearest"], report["extraction"]
    rows = [
        (f"FID of {many}, {report['features']:,} features", f"{wide['fid_s']:.1f} s"),
        (
            f"KID with interval of {many}, {report['features']:,} features",
            f"{wide['kid_with_interval_s']:.1f} s",
        ),
        (f"FID with interval of {many}, {SMALL_FEATURES} features", f"{small['fid_s']:.1f} s"),
        (f"KID with interval of {many}, {SMALL_FEATURES} features", f"{small['kid_with_interval_s']:.1f} s"),
        (f"Fréchet distance of {FEW} + {FEW}, cross-Gram", f"{few['cross_gram_s']:.3f} s"),
        ("  by a matrix root", f"{few['matrix_root_s']:.1f} s, {few['times']:.0f} times as long"),
        (
            f"Copies: the most similar of {report['images']:,} for {report['images']:,}",
            f"{near['copies_s']:.1f} s",
        ),
        (f"  nearest by {SMALL_FEATURES} features", f"{near['features_s']:.1f} s"),
        (f"Precision to coverage of {many}, {SMALL_FEATURES} features", f"{near['coverage_s']:.1f} s"),
        (f"Features by {speeds['extractor']['name']}", f"{speeds['features_per_s']:.0f} images/s"),
        ("Fine structure", f"{speeds['structures_per_s']:.0f} images/s"),
    ]
    width = max(len(name) for name, _ in rows)
    return "\n".join([f"{report['cores']} cores", *(f"{name:<{width}}  {value}" for name, value in rows)])


if __name__ == "__main__":
    main()
