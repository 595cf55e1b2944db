"""Measures a checkpoint while a run trains: FID and KID against held-out real pictures, and a scan for copies.

Plain and picklable: a run may be trained in a process of its own. What it needs lies in files beside the run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from generation.metrics.copy_rule import Calibration, calibrate
from generation.metrics.distances import Distance, TooFewError, fid, kid
from generation.metrics.extractors import Extractor, described, extractor
from generation.metrics.image_sheets import grid, side_by_side
from generation.metrics.memorisation import Match, Views, copied, scan
from generation.metrics.structure import Structures, structures
from pool.canonical.pixels import encode_png

if TYPE_CHECKING:
    from generation.diffusion.learner import Learner

GRID, NEIGHBOURS = "grid.png", "neighbours.png"
TRAINING, HELD_OUT, NAMES, RULE = "training.npy", "held-out.npy", "names.json", "copy-rule.json"
FIRST_SEED = 7_000_000  # not the seeds of the sample strip, and the same at every checkpoint
SHOWN = 36

Pictures = NDArray[np.uint8]
Heartbeat = Callable[[], None]


@dataclass
class Watch:
    """A hook of `train`: called with the learner and the step, gives the metrics of the checkpoint just written."""

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
        patients: Sequence[str] = (),
        count: int,
        spec: str = "",
    ) -> Watch:
        """A watch whose pictures are written down in `folder`; `names` and `patients` are the training pictures'."""
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / TRAINING, training)
        np.save(folder / HELD_OUT, held_out)
        known = {"names": list(names), "patients": list(patients) or [""] * len(training)}
        (folder / NAMES).write_text(json.dumps(known))
        for stale in [*folder.glob("*.npz"), folder / RULE]:
            stale.unlink(missing_ok=True)
        return cls(folder, count, spec)

    def __call__(self, learner: Learner[Any], step: int) -> dict[str, Any]:
        pictures = self.samples(learner)
        found, sheets = self.measure(pictures, pulse=lambda: learner.tell("Measuring the pictures"))
        if learner.last_checkpoint is not None:
            for name, sheet in sheets.items():
                (learner.last_checkpoint / name).write_bytes(sheet)
        return found

    def samples(self, learner: Learner[Any]) -> Pictures:
        """`count` pictures of fixed seeds, of every class or prompt in turn."""
        drawn = []
        for start in range(0, self.count, learner.drawn_at_once):
            learner.tell(f"Drawing pictures to measure: {start:,} of {self.count:,}")
            group = range(start, min(start + learner.drawn_at_once, self.count))
            drawn.append(learner.pictures(group, seed=FIRST_SEED))
        return np.concatenate(drawn)

    def measure(
        self, pictures: Pictures, *, pulse: Heartbeat = lambda: None
    ) -> tuple[dict[str, Any], dict[str, bytes]]:
        """The metrics by name, and the sheets to look at as PNG."""
        used = extractor(self.spec)
        training, held_out = (np.load(self.folder / name, mmap_mode="r") for name in (TRAINING, HELD_OUT))
        seen = Views(structures(pictures, pulse=pulse), used.features(pictures, heartbeat=pulse))
        known = self._known(used, training, pulse)
        unseen = self._kept(f"held-out-{used.sha256[:16]}", lambda: used.features(held_out, heartbeat=pulse))
        rule = self._rule(training, known.structures, pulse)
        matches = scan(seen, known, rule)
        metrics = {
            **_distances(unseen, seen.features),
            "floor": _distances(unseen, known.features[_spread(len(known), len(seen))]),
            "extractor": described(used),
            "memorisation": self._told(matches, rule),
        }
        sheets = {
            GRID: encode_png(grid(pictures[:SHOWN])),
            NEIGHBOURS: encode_png(side_by_side(pictures, training, matches)),
        }
        return metrics, sheets

    def _known(self, used: Extractor, training: Pictures, pulse: Heartbeat) -> Views:
        features = self._kept(
            f"training-{used.sha256[:16]}", lambda: used.features(training, heartbeat=pulse)
        )
        fine = self._kept("structures", lambda: structures(training, pulse=pulse).fine)
        return Views(Structures(fine), features)

    def _kept(self, name: str, made: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
        """What is known of real pictures is kept beside the run, as it never changes."""
        kept = self.folder / f"{name}.npz"
        if kept.exists():
            with np.load(kept) as arrays:
                return np.asarray(arrays["rows"])
        rows, part = made(), kept.with_suffix(".part")
        with part.open("wb") as file:
            np.savez(file, rows=rows)
        part.replace(kept)
        return rows

    def _rule(self, training: Pictures, known: Structures, pulse: Heartbeat) -> Calibration:
        """From where on a picture counts as a copy: measured on the training pictures, once for a run."""
        kept = self.folder / RULE
        if kept.exists():
            return Calibration(**json.loads(kept.read_text()))
        patients = json.loads((self.folder / NAMES).read_text())["patients"]
        rule = calibrate(training, known, patients, pulse=pulse)
        part = kept.with_suffix(".part")
        part.write_text(json.dumps(asdict(rule)))
        part.replace(kept)
        return rule

    def _told(self, matches: Sequence[Match], rule: Calibration) -> dict[str, Any]:
        """The scan as JSON: the copies, and the names of the training pictures they are copies of."""
        names = json.loads((self.folder / NAMES).read_text())["names"]
        rows = []
        for match in matches[:SHOWN]:
            row = asdict(match)
            if names:
                row |= {
                    "training_by_pixels": names[match.by_pixels],
                    "training_by_features": names[match.by_features],
                }
            rows.append(row)
        return {
            "copies": len(copied(matches)),
            "of": len(matches),
            "calibration": asdict(rule),
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
