"""From which similarity on an image counts as a copy of a real one: one rule for reports, gate and checkpoints.

Where alike ends and copied begins is measured for each dataset: on its own real images, and on copies planted among
them.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from pool.copies.search import grouped, nearest, nearest_within, pairs_of
from pool.copies.structure import Bytes, Pulse, Structures, structures

FEWEST = 20
FALSE_ALARMS = 0.01
HARDEST = 0.05  # of the planted copies, below which none pulls the threshold down
CALIBRATED_ON = 1000
PLANTED = 200
# Real images of unknown patients alike by so much are taken for one patient's.
ALIKE = 0.85
# What counts where too few real images are there to measure it.
UNMEASURED = 0.8


class CalibrationJSON(TypedDict):
    """From which similarity on an image counts as a copy, and how that rule did on images it had not seen."""

    threshold: float
    false_alarms: int
    checked: int
    caught: int
    planted: int
    reason: str


@dataclass(frozen=True, slots=True)
class Calibration:
    """From which similarity on an image counts as a copy, and how that rule did on images it had not seen.

    `false_alarms` of `checked` real images looked like a copy of another patient's; `caught` of `planted` copies
    were found. Nothing was checked where there were too few images: `reason` says so.
    """

    threshold: float
    false_alarms: int = 0
    checked: int = 0
    caught: int = 0
    planted: int = 0
    reason: str = ""

    def as_json(self) -> CalibrationJSON:
        return {
            "threshold": self.threshold,
            "false_alarms": self.false_alarms,
            "checked": self.checked,
            "caught": self.caught,
            "planted": self.planted,
            "reason": self.reason,
        }


def calibrate(
    images: Bytes,
    image_structures: Structures,
    patients: Sequence[str],
    *,
    seed: int = 0,
    pulse: Pulse = lambda: None,
) -> Calibration:
    """Where copies begin among these real images; a patient is "" where unknown.

    Half of the images set the threshold so that at most one in a hundred of them is mistaken for a copy of
    another patient's image; planted copies of that half, but for the hardest, may raise it to midway between the two. The other
    half, and copies of it, say how well that does.
    """
    if len(images) < FEWEST:
        reason = (
            f"Where copies begin can be measured on {FEWEST} real images or more; here are {len(images)}, so what is "
            f"alike at {UNMEASURED:g} or more counts as one."
        )
        return Calibration(UNMEASURED, reason=reason)
    generator = np.random.default_rng(seed)
    sample = generator.permutation(len(images))[:CALIBRATED_ON]
    sample_structures, names = image_structures[sample], [patients[place] for place in sample]
    alone = grouped(len(sample), pairs_of(nearest_within(sample_structures, pulse=pulse), ALIKE), names)
    stranger = nearest_within(sample_structures, alone, pulse=pulse).similarity
    if np.count_nonzero(stranger > -1) < FEWEST:
        reason = (
            "These real images are of too few patients to measure where copies begin, so what is alike at "
            f"{UNMEASURED:g} or more counts as one."
        )
        return Calibration(UNMEASURED, reason=reason)
    half = len(stranger) // 2
    halves = np.arange(half), np.arange(half, len(stranger))
    planted = np.concatenate(
        [generator.choice(places, min(PLANTED // 2, len(places)), replace=False) for places in halves]
    )
    copies = structures(
        np.stack([altered(images[place], generator) for place in sample[planted]]), pulse=pulse
    )
    again = nearest(copies, sample_structures, pulse=pulse)
    right = np.where(alone[again.place] == alone[planted], again.similarity, -1.0)
    copy_half = min(PLANTED // 2, half)
    bar = float(np.quantile(stranger[:half], 1 - FALSE_ALARMS, method="higher"))
    lowest = float(np.quantile(right[:copy_half], HARDEST))
    threshold = (bar + lowest) / 2 if lowest > bar else float(np.nextafter(bar, 1))
    return Calibration(
        threshold,
        int((stranger[half:] >= threshold).sum()),
        len(stranger) - half,
        int((right[copy_half:] >= threshold).sum()),
        len(right) - copy_half,
    )


def altered(pixels: npt.NDArray[np.uint8], generator: np.random.Generator) -> npt.NDArray[np.uint8]:
    """A copy as a generator or a careless export might make it: mirrored or not, now and then a negative; shifted up to
    4 %, turned by up to 10 degrees or cut by up to 8 % at each side; another brightness and contrast, saved as JPEG."""
    image = Image.fromarray(pixels)
    side = pixels.shape[0]
    if generator.random() < 0.5:
        image = ImageOps.mirror(image)
    if generator.random() < 0.1:
        image = ImageOps.invert(image)
    match generator.integers(3):
        case 0:
            most = max(1, round(0.04 * side))
            across, down = generator.integers(-most, most + 1, size=2).tolist()
            image = image.transform(
                image.size, Image.Transform.AFFINE, (1, 0, across, 0, 1, down), Image.Resampling.NEAREST
            )
        case 1:
            image = image.rotate(generator.uniform(-10, 10), Image.Resampling.BILINEAR)
        case _:
            edge = generator.uniform(0, 0.08) * side
            box = (edge, edge, side - edge, side - edge)
            image = image.resize(image.size, Image.Resampling.BICUBIC, box=box)
    contrast, brightness = generator.uniform(0.8, 1.2), generator.uniform(-25, 25)
    changed = np.clip(np.asarray(image, dtype=np.float64) * contrast + brightness, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(changed).save(file, "JPEG", quality=int(generator.integers(40, 91)))
    return np.asarray(Image.open(file))
