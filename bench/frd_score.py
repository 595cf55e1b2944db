"""FRD of images by formula, by frd-score 1.0.1 and by ours, in one go; and the facts that tests hold ours against.

Run from the repository's folder by a Python that has LungRater; the other Python has frd-score 1.0.1 (docs/quality.md):

    python -m bench.frd_score /path/to/radiomics/bin/python [--facts tests/data/frd.json] [--folders REAL FAKE]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from generation.metrics.radiomics.frd import frd
from generation.metrics.radiomics.program import radiomic_features
from tests.generation.metrics.frd_samples import features, images

# Run by the other Python: FRD of folders by frd-score itself, and of made-up features through its arithmetic.
THEIRS = """
import json, sys
import numpy as np
from frd_score import frd
jobs = json.load(sys.stdin)
out = {}
for name, (first, second) in jobs.items():
    if name == "images":
        out[name] = float(frd.compute_frd([first, second], num_workers=2))
        continue
    queue = [np.array(first), np.array(second)]
    frd.compute_features = lambda files, **_more: (
        queue.pop(0), [dict.fromkeys(map(str, range(len(first[0]))))], [None] * len(files)
    )
    frd._detect_image_dimensionality = lambda _files: 2
    out[name] = float(frd.compute_frd([["a"], ["a"]]))
print("FACTS" + json.dumps(out))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("python", type=Path)
    parser.add_argument("--facts", type=Path)
    parser.add_argument("--folders", nargs=2, type=Path, metavar=("REAL", "FAKE"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        arms = arguments.folders or [_written(Path(folder) / name, name) for name in ("real", "fake")]
        jobs = {"images": [str(arm) for arm in arms], "features": [rows.tolist() for rows in features()]}
        run = subprocess.run(
            [arguments.python, "-c", THEIRS],
            input=json.dumps(jobs),
            capture_output=True,
            text=True,
            check=True,
        )
        theirs = json.loads(run.stdout.partition("FACTS")[2])
        rows = [_rows(arguments.python, arm) for arm in arms]
    ours = {"images": frd(*rows, resamples=0).value, "features": frd(*features(), resamples=0).value}
    for name, value in ours.items():
        print(
            f"{name:<9} frd-score {theirs[name]:.9f}  ours {value:.9f}  apart {abs(value - theirs[name]):.1e}"
        )
    if arguments.facts:
        note = "FRD by frd-score 1.0.1 (pyradiomics 3.0.1) of tests/generation/metrics/frd_samples.py, by bench/frd_score.py"
        arguments.facts.write_text(json.dumps({"made": note, **theirs}, indent=1) + "\n")


def _written(folder: Path, name: str) -> Path:
    folder.mkdir()
    for number, image in enumerate(images(name)):
        Image.fromarray(image).save(folder / f"{number:03}.png")
    return folder


def _rows(python: Path, folder: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    pixels = [np.asarray(Image.open(path).convert("L")) for path in sorted(folder.glob("*.png"))]
    return radiomic_features(python, pixels, side=len(pixels[0]))


if __name__ == "__main__":
    main()
