"""How long LIME and Grad-CAM take for one image by each network of full size.

    python bench/explanations.py [--size 224] [--samples 120] [--json]

Plain: no Django, no server. Weights are random, which cost what trained ones cost.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the workers have it
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from generation.classifiers.classifier import Classifier, Description, fresh
from generation.classifiers.explanations import grad_cam_map, lime_map

NETWORKS = ("densenet121", "efficientnet-b0", "resnet18")


def seconds(architecture: str, size: int, samples: int) -> dict[str, float]:
    description = Description(architecture, ("normal", "pneumonia"), size)
    classifier = Classifier(description, fresh(description))
    square = np.random.default_rng(0).integers(0, 256, (size, size), dtype=np.uint8)
    lime_map(classifier, square, 1, samples=20, seed=0)  # loads what is loaded once
    grad_cam_map(classifier, square, 1)
    times = [time.perf_counter()]
    lime_map(classifier, square, 1, samples=samples, seed=0)
    times.append(time.perf_counter())
    grad_cam_map(classifier, square, 1)
    times.append(time.perf_counter())
    return dict(zip(("lime_s", "grad_cam_s"), np.diff(times).tolist(), strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--samples", type=int, default=120)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    seconds_of = {name: seconds(name, options.size, options.samples) for name in NETWORKS}
    if options.json:
        print(
            json.dumps(
                {"cores": os.cpu_count(), "size": options.size, "samples": options.samples, **seconds_of}
            )
        )
        return
    print(
        f"{os.cpu_count()} cores, {options.size} × {options.size} pixels, LIME with {options.samples} samples"
    )
    for name, took in seconds_of.items():
        print(f"{name:<16} LIME {took['lime_s']:6.2f} s   Grad-CAM {took['grad_cam_s']:6.2f} s")


if __name__ == "__main__":
    main()
