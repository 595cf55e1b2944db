"""How often the search for copies accuses where nothing was copied, and how many planted copies it finds.

    python bench/copies.py [--draws 20] [--of phantoms | FOLDER …] [--sizes 24 50 100]

Images are dealt by chance to two arms of one size; a folder's manifest.csv may say of which patients they are (columns file and
patient_group or slice_group), who then stand in one arm only. The search is told of no patient. Printed is in how many draws
any image of one arm counts as a copy of the other, and the share of copies planted among ten real images of each draw
that are found.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from generation.phantoms import DRAWINGS, LABELS, draw
from pool.canonical.pixels import fitted_square
from pool.copies.rule import altered, calibrate
from pool.copies.search import nearest
from pool.copies.structure import structures
from pool.imports.raster import decode

SIDE = 128
DRAWN = 100  # phantoms of each label
PLANTED = 10
Change = Callable[[np.ndarray], np.ndarray]


def shrunk(side: int) -> Change:
    def change(pixels: np.ndarray) -> np.ndarray:
        small = Image.fromarray(pixels).resize((side, side), Image.Resampling.LANCZOS)
        return np.asarray(small.resize((SIDE, SIDE), Image.Resampling.LANCZOS))

    return change


CHANGES: dict[str, Change] = {
    "mirrored": lambda pixels: pixels[:, ::-1],
    "shifted 4 %": lambda pixels: np.roll(pixels, (5, -5), axis=(0, 1)),
    "shrunk to 64": shrunk(64),
    "shrunk to 32": shrunk(32),
    "blurred by 1.5": lambda pixels: gaussian_filter(pixels, 1.5),
    "altered": lambda pixels: altered(pixels, np.random.default_rng(int(pixels.sum()))),
}


def pools(names: list[str]) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Each pool's name, images and, as numbers, patients."""
    for name in names:
        if name == "phantoms":
            for modality in DRAWINGS:
                seeds = [(label, seed) for label in LABELS for seed in range(1, DRAWN + 1)]
                drawn = [draw(modality, seed=seed, label=label, size=SIDE) for label, seed in seeds]
                squares = np.stack([fitted_square(image, side=SIDE) for image in drawn])
                yield f"phantoms, {modality}", squares, np.arange(len(squares))
        else:
            files = sorted(path for path in Path(name).iterdir() if path.suffix in {".jpg", ".png"})
            squares = np.stack([fitted_square(decode(path.read_bytes()), side=SIDE) for path in files])
            yield name, squares, patients(Path(name), [path.name for path in files])


def patients(folder: Path, names: list[str]) -> np.ndarray:
    known = {}
    if (folder / "manifest.csv").exists():
        with (folder / "manifest.csv").open(newline="") as file:
            known = {
                row["file"]: row.get("patient_group") or row.get("slice_group")
                for row in csv.DictReader(file)
            }
    return np.unique([known.get(name) or name for name in names], return_inverse=True)[1]


def measured(
    images: np.ndarray, patient_of: np.ndarray, each: int, draws: int
) -> tuple[int, dict[str, float]]:
    """In how many draws anything counts as a copy, and the share of each kind of planted copies that is found."""
    known = structures(images)
    planted = {
        name: structures(np.stack([np.ascontiguousarray(change(image)) for image in images]))
        for name, change in CHANGES.items()
    }
    alarms = 0
    shares: dict[str, list[float]] = {name: [] for name in CHANGES}
    for number in range(draws):
        dice = np.random.default_rng([number, each])
        is_real = dice.permuted(np.arange(patient_of.max() + 1) % 2 == 0)[patient_of]
        real, fake = (dice.permutation(np.flatnonzero(is_real == arm))[:each] for arm in (True, False))
        threshold = calibrate(images[real], known[real], [""] * len(real)).threshold
        alarms += int((nearest(known[fake], known[real]).similarity >= threshold).any())
        for name, copies in planted.items():
            similarity = nearest(copies[real[:PLANTED]], known[real]).similarity
            shares[name].append(float((similarity >= threshold).mean()))
    return alarms, {name: float(np.mean(values)) for name, values in shares.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--of", nargs="+", default=["phantoms"])
    parser.add_argument("--sizes", nargs="+", type=int, default=[24, 50, 100])
    options = parser.parse_args()
    for name, images, patient_of in pools(options.of):
        for each in options.sizes:
            alarms, shares = measured(images, patient_of, each, options.draws)
            power = "  ".join(f"{change} {share:.2f}" for change, share in shares.items())
            print(f"{name:<24} {each:>4}  false {alarms}/{options.draws}  {power}", flush=True)


if __name__ == "__main__":
    main()
