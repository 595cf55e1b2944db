"""The numbers of a report for any part of the two arms: all, one finding, one generator. What is undefined says why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from generation.metrics.distances import Distance, TooFewError, cmmd, fid, kid
from generation.metrics.machine_rater import auc_with_interval
from generation.metrics.number import MACHINE, OF_FEATURES, Number
from generation.metrics.prdc import NEIGHBOURS, Coverage, cover
from generation.metrics.radiomics.frd import NAME as FRD_NAME
from generation.metrics.radiomics.frd import PROGRAM, SameFeaturesError, frd
from generation.metrics.spectra import Profile, grey_distance, spectral_distance

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

FEWEST = 10
Z = 1.959964
RESAMPLES = 200

# key: (name, which way is better, which arm's images it is a mean over)
NAMES = {
    "fid": ("Fréchet distance FD", "lower"),
    "kid": ("Kernel distance KD", "lower"),
    "mmd": ("Gaussian MMD × 1,000", "lower"),
    "precision": ("Precision", "higher"),
    "recall": ("Recall", "higher"),
    "density": ("Density", "about 1"),
    "coverage": ("Coverage", "higher"),
    "frd": (FRD_NAME, "lower"),
    "ms_ssim_real": ("MS-SSIM among real images", ""),
    "ms_ssim_fake": ("MS-SSIM among fakes", "like the real images’"),
    "grey_levels": ("Distance of grey levels", "lower"),
    "spectrum": ("Distance of spectra (decades)", "lower"),
    MACHINE: ("Machine rater’s AUC", "0.5: it cannot tell"),
}
FRD = "frd"


@dataclass(frozen=True)
class FeatureSet:
    """Both arms as one extractor's rows, and whether they are the vectors that CMMD is defined on."""

    extractor: str
    real: Floats
    fake: Floats
    clip: bool = False


@dataclass(frozen=True)
class Measured:
    """What was measured of every image once: each number of each part of the arms is made of these."""

    features: Sequence[FeatureSet]
    greys: tuple[Profile, Profile]
    spectra: tuple[Profile, Profile]
    chance: tuple[Floats, Floats] | None  # the machine rater's, where it could be trained
    groups: tuple[Numbers, Numbers]
    no_chance: str = ""
    similarity: tuple[Floats, Floats] | None = None  # MS-SSIM of random pairs, of all images only
    no_similarity: str = field(default="MS-SSIM is measured on all images together.")
    seed: int = 0
    radiomics: tuple[Floats, Floats] | None = None  # where FRD was asked for

    @property
    def size(self) -> tuple[int, int]:
        return len(self.features[0].real), len(self.features[0].fake)


def numbers(measured: Measured, real: Numbers, fake: Numbers, *, beat: Callable[[], None]) -> list[Number]:
    """Every number for these places of the real and of the fake images."""
    n = (len(real), len(fake))
    if min(n) < FEWEST:
        return _too_few(measured, n)
    entries: list[Number] = []
    for features in measured.features:
        entries += _of_features(features, real, fake, seed=measured.seed, beat=beat)
    if measured.radiomics is not None:
        entries.append(_radiomic(measured.radiomics, real, fake, seed=measured.seed))
        beat()
    entries += _similarities(measured, real, fake)
    entries += _profiles(measured, real, fake)
    return [*entries, _machine(measured, real, fake)]


def _too_few(measured: Measured, n: tuple[int, int]) -> list[Number]:
    reason = f"{n[0]} real and {n[1]} generated images are too few: {FEWEST} of each are needed."
    entries: list[Number] = []
    for features in measured.features:
        entries += _with_extractor([_undefined(key, n, reason) for key in OF_FEATURES], features.extractor)
    rest = [key for key in NAMES if key not in OF_FEATURES and (key != FRD or measured.radiomics is not None)]
    return entries + [_of_its_own(_undefined(key, n, reason)) for key in rest]


def _of_features(
    features: FeatureSet, real: Numbers, fake: Numbers, *, seed: int, beat: Callable[[], None]
) -> list[Number]:
    """The distances of one extractor's features, and how the arms lie among each other in them."""
    rows = features.real[real], features.fake[fake]
    entries = [_distance("fid", fid(*rows, seed=seed))]
    beat()
    entries.append(_distance("kid", kid(*rows, seed=seed)))
    beat()
    note = (
        "CMMD, on CLIP’s features."
        if features.clip
        else "Not CMMD, which needs CLIP’s features; σ is the median distance."
    )
    bandwidth = 10.0 if features.clip else None
    entries.append(_distance("mmd", cmmd(*rows, bandwidth=bandwidth, seed=seed), note))
    beat()
    entries += _covered(cover(*rows), (len(real), len(fake)))
    return _with_extractor(entries, features.extractor)


def _radiomic(rows: tuple[Floats, Floats], real: Numbers, fake: Numbers, *, seed: int) -> Number:
    try:
        entry = _distance(FRD, frd(rows[0][real], rows[1][fake], seed=seed))
    except (TooFewError, SameFeaturesError) as error:
        entry = _undefined(FRD, (len(real), len(fake)), str(error))
    return _of_its_own(entry)


def _of_its_own(entry: Number) -> Number:
    return replace(entry, extractor=PROGRAM) if entry.key == FRD else entry


def _with_extractor(entries: list[Number], name: str) -> list[Number]:
    """A distance of features is a number of one extractor, and says of which; so called FID is another's."""
    if not name:
        return entries
    return [replace(entry, name=f"{entry.name} ({name})", extractor=name) for entry in entries]


def _number(key: str, n: tuple[int, int], **values: Any) -> Number:
    return Number(key, *NAMES[key], *n, **values)


def _undefined(key: str, n: tuple[int, int], reason: str) -> Number:
    return _number(key, n, reason=reason)


def _distance(key: str, distance: Distance, note: str = "") -> Number:
    return _number(
        key,
        (distance.n_real, distance.n_fake),
        estimate=distance.value,
        ci=distance.interval,
        note=distance.note or note,
    )


def _covered(cover_values: Coverage, n: tuple[int, int]) -> list[Number]:
    note = f"k = {NEIGHBOURS}; the interval is over images, the others’ balls as they are."
    out = []
    for key in ("precision", "recall", "density", "coverage"):
        values: Floats = np.asarray(getattr(cover_values, key), dtype=np.float64)
        ci = mean_interval(values) if key == "density" else wilson(int(values.sum()), len(values))
        out.append(_number(key, n, estimate=float(values.mean()), ci=ci, note=note))
    return out


def _similarities(measured: Measured, real: Numbers, fake: Numbers) -> list[Number]:
    n = (len(real), len(fake))
    keys = ("ms_ssim_real", "ms_ssim_fake")
    if measured.similarity is None or n != measured.size:
        reason = (
            measured.no_similarity
            if measured.similarity is None
            else "It is measured on all images together."
        )
        return [_undefined(key, n, reason) for key in keys]
    return [
        _number(
            key,
            n,
            estimate=float(values.mean()),
            ci=mean_interval(values),
            note=f"{len(values)} random pairs, as if independent.",
        )
        for key, values in zip(keys, measured.similarity, strict=True)
    ]


def _profiles(measured: Measured, real: Numbers, fake: Numbers) -> list[Number]:
    """Distances of mean curves, with a bootstrap over images; its place is the estimate's, as drawing adds bias."""
    generator = np.random.default_rng(measured.seed)
    out = []
    for key, (real_profile, fake_profile), distance in (
        ("grey_levels", measured.greys, grey_distance),
        ("spectrum", measured.spectra, spectral_distance),
    ):
        a, b = (
            Profile(real_profile.places, real_profile.curves[real]),
            Profile(fake_profile.places, fake_profile.curves[fake]),
        )
        value = distance(a, b)
        resampled = [distance(_redrawn(a, generator), _redrawn(b, generator)) for _ in range(RESAMPLES)]
        low, high = np.quantile(np.array(resampled) - np.mean(resampled), [0.025, 0.975])
        out.append(
            _number(
                key,
                (len(real), len(fake)),
                estimate=value,
                ci=(max(0.0, value + float(low)), value + float(high)),
            )
        )
    return out


def _redrawn(profile: Profile, generator: np.random.Generator) -> Profile:
    number = len(profile.curves)
    return Profile(profile.places, profile.curves[generator.integers(number, size=number)])


def _machine(measured: Measured, real: Numbers, fake: Numbers) -> Number:
    n = (len(real), len(fake))
    if measured.chance is None:
        return _undefined(MACHINE, n, measured.no_chance)
    chance = np.concatenate([measured.chance[0][real], measured.chance[1][fake]])
    groups = np.concatenate([measured.groups[0][real], measured.groups[1][fake]])
    is_fake = np.repeat([False, True], n)
    auc, ci = auc_with_interval(chance, is_fake, groups, seed=measured.seed)
    note = "Trained on all images, cross-validated; patients and near-copies never parted."
    if len(measured.features) > 1:
        note += f" It sees the features of {measured.features[0].extractor}."
    if ci is None:
        note += " No interval: every resample gave the same."
    return _number(MACHINE, n, estimate=auc, ci=ci, note=note)


def wilson(hits: int, number: int) -> tuple[float, float]:
    """Wilson's score interval of a share (Wilson 1927)."""
    share, z2 = hits / number, Z**2
    middle = (share + z2 / (2 * number)) / (1 + z2 / number)
    half = Z * float(np.sqrt(share * (1 - share) / number + z2 / (4 * number**2))) / (1 + z2 / number)
    return max(0.0, middle - half), min(1.0, middle + half)


def mean_interval(values: Floats) -> tuple[float, float] | None:
    """The mean ± 1.96 standard errors; None for a single value."""
    if len(values) < 2:
        return None
    half = Z * float(values.std(ddof=1)) / float(np.sqrt(len(values)))
    return float(values.mean()) - half, float(values.mean()) + half
