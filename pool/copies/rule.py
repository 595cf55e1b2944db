"""From which similarity on an image counts as a copy of a real one: one rule for reports, gate, audit and checkpoints.

Where alike ends and copied begins is measured for each dataset: on its own real images, and on copies planted among
them. No search of images that are not copies may accuse anybody more than once in a hundred searches, however few the
real images are and however many are compared.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, TypedDict

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from pool.copies.search import nearest, nearest_within, pair_similarities
from pool.copies.structure import Bytes, Floats, Numbers, Pulse, Structures, structures

FEWEST = 10  # real images of different patients; with fewer their spread is not known
FALSE_ALARMS = 0.01  # of searches without a copy, the share that may find some
UPPER = 0.9  # the upper half's spread is read from its middle to here; what images of one patient share lies above
UPPER_OF_NAMED = 0.97  # where all patients are named, what images of one rare kind share counts too
HARDEST = 0.05  # of the planted copies, below which none pulls the threshold down
CALIBRATED_ON = 1000
PAIRS = 1000
PLANTED = 200
# Where too few real images are there to measure it: mirrored, shifted or shrunk copies are as alike, no drawings of
# different patients were.
UNMEASURED = 0.95
IDENTICAL = 0.999  # counts as a copy among whatever images
UNLIKE = 0.5  # below, nothing does
TINY = 1e-7


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
    """From which similarity on an image counts as a copy, and what that rule finds.

    `false_alarms` of `checked` real images of known patients are as alike to another patient's; `caught` of `planted`
    copies that did not set the threshold were found. Nothing was planted where there were too few images: `reason` says so.
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


@dataclass(frozen=True, slots=True)
class Strangers:
    """How alike images of different patients are: the middle and the upper half's spread of Fisher's z over pairs."""

    middle: float
    spread: float
    patients: int

    @classmethod
    def of(cls, pair_similarities: Floats, patients: int, *, named: bool = False) -> Self:
        """`named`: none of the pairs can be of one patient."""
        from scipy import stats

        z = np.arctanh(np.clip(pair_similarities.astype(np.float64), 0, 1 - TINY))
        middle = float(np.median(z))
        shares = (UPPER, UPPER_OF_NAMED) if named else (UPPER,)
        spreads = [(np.quantile(z, share) - middle) / stats.norm.ppf(share) for share in shares]
        return cls(middle, float(max(spreads)), patients)

    def bar(self, comparisons: int) -> float:
        """What the likest of so many pairs of strangers is below, but for once in a hundred searches.

        The upper half of z is taken as normal; Student's quantile, because its spread is known from so few patients;
        Bonferroni over the pairs.
        """
        from scipy import stats

        quantile = stats.t.isf(FALSE_ALARMS / max(comparisons, 1), self.patients - 1)
        return float(np.tanh(self.middle + self.spread * quantile))


@dataclass(frozen=True, slots=True)
class Likeness:
    """What was measured of real images: how alike strangers and copies are. Without strangers `reason` says why."""

    strangers: Strangers | None
    copies: Floats  # how alike each planted copy is to what it is most alike to
    others: Floats  # of images of known patients, how alike the likest of another patient is
    reason: str = ""

    def rule(self, comparisons: int) -> Calibration:
        """For a search of so many pairs. Half of the planted copies, but for the hardest, may raise the threshold to midway
        between strangers and copies; the other half say what it finds."""
        if self.strangers is None:
            return Calibration(UNMEASURED, reason=self.reason)
        bar, half = self.strangers.bar(comparisons), len(self.copies) // 2
        lowest = float(np.quantile(self.copies[:half], HARDEST))
        threshold = float(np.clip((bar + lowest) / 2 if lowest > bar else bar, UNLIKE, IDENTICAL))
        return Calibration(
            threshold,
            int((self.others >= threshold).sum()),
            len(self.others),
            int((self.copies[half:] >= threshold).sum()),
            len(self.copies) - half,
        )


def calibrate(
    images: Bytes,
    image_structures: Structures,
    patients: Sequence[str],
    *,
    candidates: int | None = None,
    seed: int = 0,
    pulse: Pulse = lambda: None,
) -> Calibration:
    """Where copies of these real images begin among so many candidates, as many as there are real images unless given; a
    patient is "" where unknown."""
    comparisons = len(images) * (len(images) if candidates is None else candidates)
    return likeness_of(images, image_structures, patients, seed=seed, pulse=pulse).rule(comparisons)


def likeness_of(
    images: Bytes,
    image_structures: Structures,
    patients: Sequence[str],
    *,
    seed: int = 0,
    tried: bool = True,
    pulse: Pulse = lambda: None,
) -> Likeness:
    """How alike pairs of different patients are, and copies planted among them; unless `tried`, no image of a known patient is
    held against all of other patients. An image of unknown patient counts as of one of its own: what few pairs of one
    patient there are lie above where the spread is read."""
    generator = np.random.default_rng(seed)
    sample = generator.permutation(len(images))[:CALIBRATED_ON]
    names = [patients[place] for place in sample]
    own = _groups(names)
    pairs = _pairs_of_strangers(own, generator)
    number = len(set(own.tolist()))
    if number < FEWEST or not len(pairs[0]):
        reason = _too_few(len(images), number, any(names))
        return Likeness(None, np.empty(0, np.float32), np.empty(0, np.float32), reason)
    known = image_structures[sample]
    strangers = Strangers.of(pair_similarities(known, pairs, pulse=pulse), number, named=all(names))
    planted = generator.choice(len(sample), min(PLANTED, len(sample)), replace=False)
    copies = structures(
        np.stack([altered(images[place], generator) for place in sample[planted]]), pulse=pulse
    )
    named = np.flatnonzero([tried and bool(name) for name in names])
    others = nearest_within(known[named], own[named], pulse=pulse).similarity
    return Likeness(strangers, nearest(copies, known, pulse=pulse).similarity, others[others > -1])


def _groups(names: Sequence[str]) -> Numbers:
    """A number for each patient; an image without a name has one of its own."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(name or f"\0{place}", place) for place, name in enumerate(names)])


def _pairs_of_strangers(groups: Numbers, generator: np.random.Generator) -> tuple[Numbers, Numbers]:
    """The places of all pairs of different groups, or of as many as are looked at."""
    if len(groups) < 2:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    first, second = np.triu_indices(len(groups), 1)
    if len(first) > PAIRS:
        drawn = generator.choice(len(first), PAIRS, replace=False)
        first, second = first[drawn], second[drawn]
    strangers = groups[first] != groups[second]
    return first[strangers], second[strangers]


def _too_few(images: int, patients: int, known: bool) -> str:
    what = (
        "These real images are of too few patients"
        if known and patients < images
        else "These are too few real images"
    )
    return (
        f"{what} to measure where copies begin: it takes {FEWEST} or more, here are {patients}. So only what is alike at "
        f"{UNMEASURED:g} or more counts as one."
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
