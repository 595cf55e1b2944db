"""From which similarity on an image counts as a copy of a real one: one rule for reports, gate and checkpoints.

Where alike ends and copied begins is measured for each dataset: on its own real images, and on copies planted among
them.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from generation.metrics.checkpoint_metrics import CalibrationJSON
from generation.metrics.copies import grouped, nearest, nearest_within, pairs_of
from generation.metrics.spectra import Bytes
from generation.metrics.structure import Pulse, Structures, structures

FEWEST = 20
FALSE_ALARMS = 0.01
CALIBRATED_ON = 1000
PLANTED = 200
# Real images of unknown patients alike by so much are taken for one patient's.
ALIKE = 0.85
# What counts where too few real images are there to measure it.
UNMEASURED = 0.9


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
    another patient's image; planted copies of that half may raise it to midway between the two. The other
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
    lowest = float(right[:copy_half].min())
    threshold = (bar + lowest) / 2 if lowest > bar else float(np.nextafter(bar, 1))
    return Calibration(
        threshold,
        int((stranger[half:] >= threshold).sum()),
        len(stranger) - half,
        int((right[copy_half:] >= threshold).sum()),
        len(right) - copy_half,
    )


def altered(pixels: npt.NDArray[np.uint8], generator: np.random.Generator) -> npt.NDArray[np.uint8]:
    """A copy as a generator or a careless export might make it: mirrored or not, shifted up to 4 %, another
    brightness and contrast, saved as JPEG."""
    image = Image.fromarray(pixels)
    if generator.random() < 0.5:
        image = ImageOps.mirror(image)
    most = max(1, round(0.04 * pixels.shape[0]))
    across, down = generator.integers(-most, most + 1, size=2)
    image = image.transform(
        image.size, Image.Transform.AFFINE, (1, 0, int(across), 0, 1, int(down)), Image.Resampling.NEAREST
    )
    contrast, brightness = generator.uniform(0.8, 1.2), generator.uniform(-25, 25)
    changed = np.clip(np.asarray(image, dtype=np.float64) * contrast + brightness, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(changed).save(file, "JPEG", quality=int(generator.integers(40, 91)))
    return np.asarray(Image.open(file))
