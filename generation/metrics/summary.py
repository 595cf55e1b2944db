"""The whole report on two arms of images: numbers, parts, curves, copies, the best and the worst. No Django."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TypedDict, cast

import numpy as np
import numpy.typing as npt

from generation.metrics.diversity import ms_ssim, random_pairs
from generation.metrics.machine_rater import MachineRater, TooFewToTellError, rate
from generation.metrics.number import Number, NumberJSON
from generation.metrics.report_numbers import FeatureSet, Measured, numbers
from generation.metrics.spectra import Bytes, Profile, histograms, radial_spectra
from pool.copies.rule import Calibration, CalibrationJSON, likeness_of
from pool.copies.search import Nearest, grouped, nearest, nearest_within, pairs_of
from pool.copies.structure import Structures, structures

Floats = npt.NDArray[np.float64]
Curves = dict[str, dict[str, dict[str, list[float]]]]

SHOWN = 8


@dataclass(frozen=True)
class Arm:
    """One arm: images of one size, their features by each extractor, and what is known of each.

    The machine rater sees the first extractor's.
    """

    images: Bytes
    features: Sequence[Floats]
    labels: Sequence[str]
    patients: Sequence[str]
    generators: Sequence[str]
    radiomics: Floats | None = None

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class Copies:
    """Each fake's nearest real image (of the reference, then of the training images), and who counts as a copy."""

    nearest: Nearest
    calibration: Calibration
    places: list[int]
    within_real: list[tuple[int, int]]
    within_fake: list[tuple[int, int]]


@dataclass(frozen=True)
class Summary:
    """All that was found; `rater` and `features` are for whoever draws saliency maps."""

    numbers: list[Number]
    parts: dict[str, dict[str, list[Number]]]
    curves: Curves
    copies: Copies
    chance: Floats | None
    rater: MachineRater | None

    @property
    def best(self) -> list[int]:
        """The fakes that the machine took for real most readily."""
        return [] if self.chance is None else [int(i) for i in np.argsort(self.chance, kind="stable")[:SHOWN]]

    @property
    def worst(self) -> list[int]:
        return (
            [] if self.chance is None else [int(i) for i in np.argsort(-self.chance, kind="stable")[:SHOWN]]
        )

    @property
    def closest(self) -> list[int]:
        """The fakes most like a real image, copies first."""
        return [int(i) for i in np.argsort(-self.copies.nearest.similarity, kind="stable")[:SHOWN]]


@dataclass(frozen=True)
class Space:
    """Whose features an arm's rows are, and whether CMMD is defined on them."""

    name: str
    clip: bool = False


class SummaryJSON(TypedDict):
    """The part of a report that needs no names of images."""

    numbers: list[NumberJSON]
    parts: dict[str, dict[str, list[NumberJSON]]]
    curves: Curves
    calibration: CalibrationJSON


def compare(
    real: Arm,
    fake: Arm,
    training: Bytes,
    *,
    spaces: Sequence[Space] = (Space(""),),
    seed: int = 0,
    beat: Callable[[str], None],
) -> Summary:
    """Compare fakes with real images; `training` are further real images their model may have copied.

    `spaces` name the extractors of the arms' features, in their order.
    """

    def quietly() -> None:
        beat("")

    beat("Looking for copies…")
    copies = find_copies(real, fake, training, seed=seed, beat=quietly)
    groups = _groups(real, fake, copies)
    beat("Measuring grey levels and spectra…")
    greys = histograms(real.images), histograms(fake.images)
    spectra = radial_spectra(real.images), radial_spectra(fake.images)
    beat("Training the machine rater…")
    rows = np.concatenate(
        [
            rater_features(real.features[0], greys[0], spectra[0]),
            rater_features(fake.features[0], greys[1], spectra[1]),
        ]
    )
    rater, no_rater = None, ""
    try:
        rater = rate(rows, np.repeat([False, True], (len(real), len(fake))), groups, seed=seed)
    except TooFewToTellError as error:
        no_rater = str(error)
    beat("Measuring how alike the images are…")
    similarity, no_similarity = _similarity(real, fake, seed=seed, beat=quietly)
    measured = Measured(
        [
            FeatureSet(space.name, real_rows, fake_rows, space.clip)
            for space, real_rows, fake_rows in zip(spaces, real.features, fake.features, strict=True)
        ],
        greys,
        spectra,
        None if rater is None else (rater.chance[: len(real)], rater.chance[len(real) :]),
        (groups[: len(real)], groups[len(real) :]),
        no_rater,
        similarity,
        no_similarity,
        seed,
        None if real.radiomics is None or fake.radiomics is None else (real.radiomics, fake.radiomics),
    )
    beat("Measuring distances…")
    every = np.arange(len(real)), np.arange(len(fake))
    return Summary(
        numbers(measured, *every, beat=quietly),
        _parts(measured, real, fake, beat=quietly),
        {
            "grey_levels": {"real": greys[0].band(), "fake": greys[1].band()},
            "spectrum": {"real": spectra[0].band(), "fake": spectra[1].band()},
        },
        copies,
        None if rater is None else rater.chance[len(real) :],
        rater,
    )


def rater_features(features: Floats, greys: Profile, spectra: Profile) -> Floats:
    """What the machine rater sees of each image."""
    return np.hstack([features, greys.curves, spectra.curves])


def find_copies(real: Arm, fake: Arm, training: Bytes, *, seed: int, beat: Callable[[], None]) -> Copies:
    """Every fake against every real image, by a threshold calibrated on the reference itself."""
    fake_structures, real_structures = (structures(arm.images, pulse=beat) for arm in (fake, real))
    likeness = likeness_of(real.images, real_structures, real.patients, seed=seed, pulse=beat)
    calibration = likeness.rule(len(fake) * (len(real) + len(training)))
    within = [
        pairs_of(nearest_within(arm, pulse=beat), calibration.threshold)
        for arm in (real_structures, fake_structures)
    ]
    if len(training):
        real_structures = Structures.joined([real_structures, structures(training, pulse=beat)])
    closest = nearest(fake_structures, real_structures, pulse=beat)
    places = np.flatnonzero(closest.similarity >= calibration.threshold).tolist()
    return Copies(closest, calibration, places, *within)


def _groups(real: Arm, fake: Arm, copies: Copies) -> npt.NDArray[np.int64]:
    """One number for images that must not be parted: a patient's, and near-copies within and across the arms."""
    pairs = list(copies.within_real)
    pairs += [(len(real) + i, len(real) + j) for i, j in copies.within_fake]
    of = copies.nearest.place
    pairs += [(int(of[i]), len(real) + i) for i in copies.places if of[i] < len(real)]
    return grouped(len(real) + len(fake), pairs, [*real.patients, *fake.patients])


def _similarity(
    real: Arm, fake: Arm, *, seed: int, beat: Callable[[], None]
) -> tuple[tuple[Floats, Floats] | None, str]:
    if min(len(real), len(fake)) < 2:
        return None, "MS-SSIM needs two images of each arm."
    try:
        first, second = (
            ms_ssim(arm.images, random_pairs(len(arm), seed=seed), pulse=beat) for arm in (real, fake)
        )
    except ValueError as error:
        return None, str(error)
    return (first, second), ""


def _parts(
    measured: Measured, real: Arm, fake: Arm, *, beat: Callable[[], None]
) -> dict[str, dict[str, list[Number]]]:
    """The numbers by finding (against real images of it) and by generator (against all real images)."""
    parts: dict[str, dict[str, list[Number]]] = {"finding": {}, "generator": {}}
    real_labels, fake_labels = np.array(real.labels), np.array(fake.labels)
    if len(set(fake.labels)) > 1 or len(set(real.labels)) > 1:
        for label in sorted(set(fake.labels) - {""}):
            places = np.flatnonzero(real_labels == label), np.flatnonzero(fake_labels == label)
            parts["finding"][label] = numbers(measured, *places, beat=beat)
    if len(counted := Counter(fake.generators)) > 1:
        for generator in sorted(counted):
            places = np.arange(len(real)), np.flatnonzero(np.array(fake.generators) == generator)
            parts["generator"][generator] = numbers(measured, *places, beat=beat)
    return parts


def as_json(summary: Summary) -> SummaryJSON:
    """The part of the report that needs no names of images."""
    return {
        "numbers": _plain(summary.numbers),
        "parts": {
            kind: {name: _plain(part) for name, part in parts_of_kind.items()}
            for kind, parts_of_kind in summary.parts.items()
        },
        "curves": summary.curves,
        "calibration": summary.copies.calibration.as_json(),
    }


def _plain(rows: Sequence[Number]) -> list[NumberJSON]:
    return [cast("NumberJSON", asdict(number)) for number in rows]
