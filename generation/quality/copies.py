"""Fakes that repeat a real image, and images that repeat one another, also mirrored, shifted, brightened or saved anew.

Coarse shapes say little: chest X-rays all look alike to them. What is compared is the structure finer than a tenth
of the picture, as the highest correlation over mirroring and small shifts. Where alike ends and copied begins is
measured for each dataset: on its own real images, and on copies planted among them (`calibrate`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from generation.quality.spectra import Bytes

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int64]
Pulse = Callable[[], object]

SIDE = 96
SOFT, BLUR, EVEN = (
    0.8,
    3.0,
    6.0,
)  # pixels of SIDE: finer is noise, coarser is shape; contrast is evened out over the last
LEAST_CONTRAST = 2.0  # grey levels: below, evening out would only raise noise
SHIFT = 8  # pixels of SIDE either way: 8 % of the picture
STEPS = (-1, 0, 1)  # half blocks, 3 pixels, tried either way in the coarse search
COARSE = 16
CANDIDATES = 4
ROWS_AT_ONCE = 256
FALSE_ALARMS = 0.01
CALIBRATED_ON = 1000
PLANTED = 200


@dataclass(frozen=True, slots=True)
class Structures:
    """The fine structure of pictures: SIDE × SIDE each, of length one."""

    fine: Floats

    def __len__(self) -> int:
        return len(self.fine)

    def __getitem__(self, places: Numbers | slice) -> Structures:
        return Structures(self.fine[places])

    def coarse(self, *, moved: bool = False) -> Iterator[Floats]:
        """The same in few numbers (images × COARSE²), to find candidates by; also as mirrored and shifted."""
        from scipy.ndimage import gaussian_filter

        # Means over half blocks: a shift by so much is then a step on this small grid.
        grid, half = 2 * COARSE, SIDE // (2 * COARSE)
        soft = gaussian_filter(self.fine, (0, 2.0, 2.0)).reshape(-1, grid, half, grid, half).mean(axis=(2, 4))
        for view in (soft, soft[:, :, ::-1]) if moved else (soft,):
            for shift in product(STEPS, STEPS) if moved else [(0, 0)]:
                blocks = np.roll(view, shift, axis=(1, 2)).reshape(-1, COARSE, 2, COARSE, 2)
                yield _of_length_one(blocks.mean(axis=(2, 4)).reshape(len(self), -1))


@dataclass(frozen=True, slots=True)
class Nearest:
    """For each picture the place of the most similar one among others (-1: none) and how similar, -1 to 1."""

    place: Numbers
    similarity: Floats


@dataclass(frozen=True, slots=True)
class Calibration:
    """From which similarity on a picture counts as a copy, and how that rule did on images it had not seen.

    `false_alarms` of `checked` real images looked like a copy of another patient's; `caught` of `planted` copies
    were found.
    """

    threshold: float
    false_alarms: int
    checked: int
    caught: int
    planted: int


def structures(pictures: Bytes, *, pulse: Pulse = lambda: None) -> Structures:
    """The fine structure of square pictures (images × side × side, or × 3)."""
    from scipy.ndimage import gaussian_filter
    from scipy.signal.windows import tukey

    # Falls to nothing towards the edges: what a shift pushes out of the picture counts less.
    window = np.outer(tukey(SIDE, 0.3), tukey(SIDE, 0.3))
    fine = np.empty((len(pictures), SIDE, SIDE), dtype=np.float32)
    for place, picture in enumerate(pictures):
        grey = Image.fromarray(picture).convert("L")
        small = np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BOX), dtype=np.float64)
        detail = gaussian_filter(small, SOFT) - gaussian_filter(small, BLUR)
        detail = detail / (np.sqrt(gaussian_filter(detail**2, EVEN)) + LEAST_CONTRAST) * window
        fine[place] = detail - detail.mean()
        pulse()
    return Structures(_of_length_one(fine.reshape(-1, SIDE**2)).reshape(fine.shape))


def nearest(
    pictures: Structures,
    others: Structures,
    *,
    groups: Numbers | None = None,
    other_groups: Numbers | None = None,
    pulse: Pulse = lambda: None,
) -> Nearest:
    """The most similar of the others for each picture; where groups are given, of another group than its own.

    A coarse search over all finds candidates; those are compared in full.
    """
    from scipy import fft

    place, similarity = np.full(len(pictures), -1), np.full(len(pictures), -1.0, dtype=np.float32)
    if not len(others):
        return Nearest(place, similarity)
    spectra = np.conj(fft.rfft2(others.fine, workers=-1))
    flat = next(others.coarse()).T
    for start in range(0, len(pictures), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        alike = reduce(np.maximum, (view @ flat for view in pictures[rows].coarse(moved=True)))
        if groups is not None and other_groups is not None:
            alike[groups[rows, None] == other_groups[None, :]] = -np.inf
        wanted = min(CANDIDATES, len(others))
        candidates = np.argpartition(-alike, wanted - 1, axis=1)[:, :wanted]
        found = _at_best_shift(pictures.fine[rows], spectra, candidates)
        found[np.isneginf(np.take_along_axis(alike, candidates, axis=1))] = -1.0
        best = found.argmax(axis=1)[:, None]
        similarity[rows] = np.take_along_axis(found, best, axis=1)[:, 0]
        place[rows] = np.where(similarity[rows] > -1, np.take_along_axis(candidates, best, axis=1)[:, 0], -1)
        pulse()
    return Nearest(place, similarity)


def calibrate(
    pictures: Bytes,
    found: Structures,
    groups: Numbers,
    *,
    seed: int = 0,
    pulse: Pulse = lambda: None,
) -> Calibration:
    """Where copies begin among these real images, whose `groups` (patients) have one number each.

    Half of the images set the threshold so that at most one in a hundred of them is mistaken for a copy of
    another patient's image; planted copies of that half may raise it to midway between the two. The other
    half, and copies of it, say how well that does. Raises ValueError with fewer than 20 images.
    """
    if len(pictures) < 20:
        raise ValueError("Where copies begin can be measured on 20 real images or more.")
    generator = np.random.default_rng(seed)
    drawn = generator.permutation(len(pictures))[:CALIBRATED_ON]
    known, alone = found[drawn], groups[drawn]
    stranger = nearest(known, known, groups=alone, other_groups=alone, pulse=pulse).similarity
    planted = drawn[generator.choice(len(drawn), min(PLANTED, len(drawn)), replace=False)]
    copies = structures(np.stack([altered(pictures[place], generator) for place in planted]), pulse=pulse)
    again = nearest(copies, known, pulse=pulse)
    right = np.where(alone[again.place] == groups[planted], again.similarity, -1.0)
    half, copy_half = len(stranger) // 2, len(right) // 2
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


def altered(picture: npt.NDArray[np.uint8], generator: np.random.Generator) -> npt.NDArray[np.uint8]:
    """A copy as a generator or a careless export might make it: mirrored or not, shifted up to 4 %, another
    brightness and contrast, saved as JPEG."""
    import io

    image = Image.fromarray(picture)
    if generator.random() < 0.5:
        image = ImageOps.mirror(image)
    most = max(1, round(0.04 * picture.shape[0]))
    across, down = generator.integers(-most, most + 1, size=2)
    image = image.transform(
        image.size, Image.Transform.AFFINE, (1, 0, int(across), 0, 1, int(down)), Image.Resampling.NEAREST
    )
    contrast, brightness = generator.uniform(0.8, 1.2), generator.uniform(-25, 25)
    changed = np.clip(np.asarray(image, dtype=np.float64) * contrast + brightness, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(changed).save(file, "JPEG", quality=int(generator.integers(40, 91)))
    return np.asarray(Image.open(file))


def pairs_within(
    found: Structures, threshold: float, *, pulse: Pulse = lambda: None
) -> list[tuple[int, int]]:
    """Pairs (i < j) of images of one arm where one is the other's nearest and a copy by the threshold."""
    own = np.arange(len(found))
    closest = nearest(found, found, groups=own, other_groups=own, pulse=pulse)
    close = np.flatnonzero(closest.similarity >= threshold)
    return sorted(
        {(min(i, j), max(i, j)) for i, j in zip(close.tolist(), closest.place[close].tolist(), strict=True)}
    )


def grouped(number: int, pairs: Sequence[tuple[int, int]], names: Sequence[str] = ()) -> Numbers:
    """One group number for each of `number` images: those of one name (patient) or joined by pairs share it."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    first: dict[str, int] = {}
    joined = [(first.setdefault(name, place), place) for place, name in enumerate(names) if name]
    ends = np.array([*pairs, *joined], dtype=np.int64).reshape(-1, 2)
    graph = coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(number, number))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _at_best_shift(fine: Floats, spectra: npt.NDArray[np.complex64], candidates: Numbers) -> Floats:
    """The highest correlation over small shifts, mirrored or not, pictures × candidates."""
    from scipy import fft

    near = np.r_[0 : SHIFT + 1, SIDE - SHIFT : SIDE]
    found = np.full(candidates.shape, -1.0, dtype=np.float32)
    for view in (fine, fine[:, :, ::-1]):
        shown = fft.rfft2(view, workers=-1)
        for column, chosen in enumerate(candidates.T):
            correlation = fft.irfft2(shown * spectra[chosen], s=(SIDE, SIDE), workers=-1)
            highest = correlation[:, near][:, :, near].max(axis=(1, 2))
            found[:, column] = np.maximum(found[:, column], highest)
    return found


def _of_length_one(values: npt.NDArray[np.floating]) -> Floats:
    length = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.where(length > 0, length, 1), dtype=np.float32)
