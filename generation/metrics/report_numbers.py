"""The numbers of a report for any part of the two arms: all, one finding, one generator. What is undefined says why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from generation.metrics.distances import Distance, cmmd, fid, kid
from generation.metrics.machine_rater import auc_with_interval
from generation.metrics.number import Number
from generation.metrics.prdc import NEIGHBOURS, Coverage, cover
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
    "ms_ssim_real": ("MS-SSIM among real images", ""),
    "ms_ssim_fake": ("MS-SSIM among fakes", "like the real images’"),
    "grey_levels": ("Distance of grey levels", "lower"),
    "spectrum": ("Distance of spectra (decades)", "lower"),
    "machine_auc": ("Machine rater’s AUC", "0.5: it cannot tell"),
}
# The numbers that are of an extractor's features, and mean nothing without its name.
OF_FEATURES = {"fid", "kid", "mmd", "precision", "recall", "density", "coverage"}


@dataclass(frozen=True)
class Measured:
    """What was measured of every image once: each number of each part of the arms is made of these."""

    real: Floats  # features
    fake: Floats
    greys: tuple[Profile, Profile]
    spectra: tuple[Profile, Profile]
    chance: tuple[Floats, Floats] | None  # the machine rater's, where it could be trained
    groups: tuple[Numbers, Numbers]
    no_chance: str = ""
    similarity: tuple[Floats, Floats] | None = None  # MS-SSIM of random pairs, of all images only
    no_similarity: str = field(default="MS-SSIM is measured on all images together.")
    clip: bool = False
    seed: int = 0
    extractor: str = ""  # whose features the distances are of


def numbers(measured: Measured, real: Numbers, fake: Numbers, *, beat: Callable[[], None]) -> list[Number]:
    """Every number for these places of the real and of the fake images."""
    n = (len(real), len(fake))
    if min(n) < FEWEST:
        reason = f"{n[0]} real and {n[1]} generated images are too few: {FEWEST} of each are needed."
        return _with_extractor([_undefined(key, n, reason) for key in NAMES], measured.extractor)
    rows = measured.real[real], measured.fake[fake]
    entries = [_distance("fid", fid(*rows, seed=measured.seed))]
    beat()
    entries.append(_distance("kid", kid(*rows, seed=measured.seed)))
    beat()
    bandwidth = 10.0 if measured.clip else None
    note = (
        "CMMD, on CLIP’s features."
        if measured.clip
        else "Not CMMD, which needs CLIP’s features; σ is the median distance."
    )
    entries.append(_distance("mmd", cmmd(*rows, bandwidth=bandwidth, seed=measured.seed), note))
    beat()
    entries += _covered(cover(*rows), n)
    entries += _similarities(measured, real, fake)
    entries += _profiles(measured, real, fake)
    return _with_extractor([*entries, _machine(measured, real, fake)], measured.extractor)


def _with_extractor(entries: list[Number], name: str) -> list[Number]:
    """A distance of features is a number of one extractor, and says of which; so called FID is another's."""
    return [
        replace(entry, name=f"{entry.name} ({name})") if name and entry.key in OF_FEATURES else entry
        for entry in entries
    ]


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
    if measured.similarity is None or n != (len(measured.real), len(measured.fake)):
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
        return _undefined("machine_auc", n, measured.no_chance)
    chance = np.concatenate([measured.chance[0][real], measured.chance[1][fake]])
    groups = np.concatenate([measured.groups[0][real], measured.groups[1][fake]])
    is_fake = np.repeat([False, True], n)
    auc, ci = auc_with_interval(chance, is_fake, groups, seed=measured.seed)
    note = "Trained on all images, cross-validated; patients and near-copies never parted."
    if ci is None:
        note += " No interval: every resample gave the same."
    return _number("machine_auc", n, estimate=auc, ci=ci, note=note)


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
