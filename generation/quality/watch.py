"""Measures a checkpoint while a run trains: FID and KID against held-out real pictures, and a scan for copies.

Plain and picklable: a run may be trained in a process of its own. What it needs lies in files beside the run.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from generation.quality.distances import Distance, TooFewError, fid, kid
from generation.quality.extractors import Extractor, described, extractor
from generation.quality.memorisation import Scan, Views, scan
from generation.quality.nearest import pixel_rows
from generation.quality.sheets import grid, side_by_side
from pool.pixels import encode_png

if TYPE_CHECKING:
    from generation.training.network import Denoiser
    from generation.training.trainer import Trainer

GRID, NEIGHBOURS = "grid.png", "neighbours.png"
TRAINING, HELD_OUT, NAMES = "training.npy", "held-out.npy", "names.json"
FIRST_SEED = 7_000_000  # not the seeds of the sample strip, and the same at every checkpoint
SHOWN, SAMPLED_AT_ONCE = 36, 32

Pictures = NDArray[np.uint8]


@dataclass
class Watch:
    """A hook of `train`: called with the trainer and the step, gives the metrics of the checkpoint just written."""

    folder: Path
    count: int
    spec: str = ""

    @classmethod
    def of(
        cls,
        folder: Path,
        training: Pictures,
        held_out: Pictures,
        *,
        names: Sequence[str] = (),
        count: int,
        spec: str = "",
    ) -> Watch:
        """A watch whose pictures are written down in `folder`; `names` are those of the training pictures."""
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / TRAINING, training)
        np.save(folder / HELD_OUT, held_out)
        (folder / NAMES).write_text(json.dumps(list(names)))
        for stale in folder.glob("*.npz"):
            stale.unlink()
        return cls(folder, count, spec)

    def __call__(self, trainer: Trainer, step: int) -> dict[str, Any]:
        pictures = self.samples(trainer.averaged)
        found, sheets = self.measure(pictures)
        if trainer.last_checkpoint is not None:
            for name, sheet in sheets.items():
                (trainer.last_checkpoint / name).write_bytes(sheet)
        return found

    def samples(self, net: Denoiser) -> Pictures:
        """`count` pictures of fixed seeds, of every class in turn."""
        from generation.training.sampling import sample

        config, made = net.config, []
        for start in range(0, self.count, SAMPLED_AT_ONCE):
            places = range(start, min(start + SAMPLED_AT_ONCE, self.count))
            kinds = [place % len(config.classes) for place in places] if config.classes else None
            seeds = [FIRST_SEED + place for place in places]
            made.append(sample(net, seeds, classes=kinds, steps=config.sample_steps))
        return np.concatenate(made)

    def measure(self, pictures: Pictures) -> tuple[dict[str, Any], dict[str, bytes]]:
        """The metrics by name, and the sheets to look at as PNG."""
        used = extractor(self.spec)
        training, held_out = (np.load(self.folder / name, mmap_mode="r") for name in (TRAINING, HELD_OUT))
        seen, known, unseen = (
            self._views(used, pictures),
            self._views(used, training, keep_as="training"),
            self._views(used, held_out, keep_as="held-out"),
        )
        found = scan(seen, known, unseen)
        metrics = {
            **_distances(unseen.features, seen.features),
            "floor": _distances(unseen.features, known.features[_spread(len(known), len(seen))]),
            "extractor": described(used),
            "memorisation": self._told(found),
        }
        sheets = {
            GRID: encode_png(grid(pictures[:SHOWN])),
            NEIGHBOURS: encode_png(side_by_side(pictures, training, found.matches)),
        }
        return metrics, sheets

    def _views(self, used: Extractor, pictures: Pictures, *, keep_as: str = "") -> Views:
        """Both views; those of real pictures are kept beside the run, as they never change."""
        kept = self.folder / f"{keep_as}-{used.sha256[:16]}.npz"
        if keep_as and kept.exists():
            with np.load(kept) as arrays:
                return Views(arrays["pixels"], arrays["features"])
        views = Views(pixel_rows(pictures), used.features(pictures))
        if keep_as:
            part = kept.with_suffix(".part")
            with part.open("wb") as file:
                np.savez(file, pixels=views.pixels, features=views.features)
            part.replace(kept)
        return views

    def _told(self, found: Scan) -> dict[str, Any]:
        """The scan as JSON: the copies, and the names of the training pictures they are copies of."""
        names = json.loads((self.folder / NAMES).read_text())
        rows = []
        for match in found.matches[:SHOWN]:
            row = asdict(match)
            if names:
                row |= {
                    "training_by_pixels": names[match.by_pixels],
                    "training_by_features": names[match.by_features],
                }
            rows.append(row)
        return {
            "copies": len(found.copies),
            "of": len(found.matches),
            "held_out": found.held_out,
            "pixel_limit": found.pixel_limit,
            "nearest": rows,
        }


def _distances(real: NDArray[np.float32], fake: NDArray[np.float32]) -> dict[str, Any]:
    """FID and KID as numbers that a run can be steered by, with their intervals beside them."""
    told: dict[str, Any] = {"n_real": len(real), "n_fake": len(fake)}
    try:
        found: dict[str, Distance] = {"fid": fid(real, fake), "kid": kid(real, fake)}
    except TooFewError:
        return told
    for name, distance in found.items():
        told[name] = distance.value
        told[f"{name}_interval"] = distance.interval
    return told


def _spread(count: int, wanted: int) -> NDArray[np.int64]:
    """Places of `wanted` pictures spread evenly over `count`."""
    return np.unique(np.linspace(0, count - 1, min(count, wanted)).round().astype(np.int64))
