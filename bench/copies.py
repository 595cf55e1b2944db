"""How long the quality report's own searches take: copies among so many images, and precision to coverage.

    python bench/copies.py [--images 10000] [--features 64] [--json]

Plain: no Django, no server. Pictures are noise, which costs what X-rays cost. `bench/quality.py` times the distances.
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

from generation.quality.copies import SIDE, Structures, nearest
from generation.quality.coverage import cover


def timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def noise(number: int, dice: np.random.Generator) -> Structures:
    """Fine structures, of length one, of pictures that nobody drew."""
    fine = dice.normal(size=(number, SIDE, SIDE)).astype(np.float32)
    fine /= np.linalg.norm(fine.reshape(number, -1), axis=1)[:, None, None]
    return Structures(fine)


def measured(images: int, features: int) -> dict[str, float]:
    dice = np.random.default_rng(0)
    real, fake = dice.normal(size=(images, features)), dice.normal(0.1, size=(images, features))
    shown, known = noise(images, dice), noise(images, dice)
    return {"coverage_s": timed(lambda: cover(real, fake)), "copies_s": timed(lambda: nearest(shown, known))}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--features", type=int, default=64)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    report = {
        "cores": os.cpu_count(),
        "images": asked.images,
        "features": asked.features,
        **measured(asked.images, asked.features),
    }
    if asked.json:
        print(json.dumps(report))
        return
    many = f"{asked.images:,} + {asked.images:,}"
    print(f"{report['cores']} cores")
    print(f"Copies among {many}                     {report['copies_s']:.1f} s")
    print(f"Precision to coverage of {many}, {asked.features} features  {report['coverage_s']:.1f} s")


if __name__ == "__main__":
    main()
