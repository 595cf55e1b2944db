"""Whether the arms differ at one place of the image, or in its broad shading: the largest difference against luck."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rating.blinding.cells import KINDS, SHADING_NAMES, place_in_words, shading_features
from rating.blinding.checks import ALARM, CERTAIN, PLAIN, Examined, one_arm, too_few
from rating.blinding.findings import Finding, Verdict
from rating.blinding.heat_map import HeatMap
from rating.blinding.largest_difference import LargestDifference, largest_difference

PLACES = "Places in the image"
SHADING = "Shading and background"
TENTHS = 10  # heat maps are stored in tenths: a short list of whole numbers


def check_cells(images: Sequence[Examined], *, seed: int) -> Finding:
    """A mark, a signature or a dot at one place: brightest, darkest and mean of each cell of a grid over the image."""
    sample = [image for image in images if image.cells is not None]
    if finding := untestable(PLACES, sample):
        return finding
    grids = np.stack([image.cells for image in sample if image.cells is not None])
    synthetic = np.array([image.synthetic for image in sample])
    result = largest_difference(grids.reshape(len(grids), -1), synthetic, seed=seed)
    kind, row, column = np.unravel_index(result.at, grids.shape[1:])
    place = place_in_words(int(row), int(column), (grids.shape[2], grids.shape[3]))
    detail = _numbers(result) | {"heat_map": _heat_map(result, grids)}
    if result.p >= ALARM:
        reason = f"At no place of the image do the arms differ more than by luck ({in_words(result)})."
        return Finding(PLACES, Verdict.GREEN, reason, "", detail)
    more = "higher" if result.z[result.at] > 0 else "lower"
    return Finding(
        PLACES,
        verdict_of(result),
        f"The arms differ at one place of the image, most at {place}, where the {KINDS[int(kind)]} is {more} in generated "
        f"images ({in_words(result)}).",
        "Look at the map of places. Against a mark in a corner freeze again with the corners of every image masked; no choice "
        "of the freeze covers another place: import that arm's images anew without the mark.",
        detail,
    )


def check_shading(images: Sequence[Examined], *, seed: int) -> Finding:
    """Gamma, slopes, a vignette, the level of the background: what differs slowly over the whole image."""
    sample = [image for image in images if image.cells is not None]
    if finding := untestable(SHADING, sample):
        return finding
    features = np.stack([shading_features(image.cells) for image in sample if image.cells is not None])
    result = largest_difference(features, np.array([image.synthetic for image in sample]), seed=seed)
    if result.p >= ALARM:
        reason = f"Shading and background say nothing of the origin beyond luck ({in_words(result)})."
        return Finding(SHADING, Verdict.GREEN, reason, "", _numbers(result))
    more = "more" if result.z[result.at] > 0 else "less"
    return Finding(
        SHADING,
        verdict_of(result),
        f"The arms differ in their broad shading, most in “{SHADING_NAMES[result.at]}”, {more} of which generated images "
        f"have ({in_words(result)}).",
        "Freeze again with the same grey levels for all images, or say in the methods that raters "
        "could go by shading.",
        _numbers(result),
    )


def untestable(name: str, sample: Sequence[Examined]) -> Finding | None:
    if len({image.synthetic for image in sample}) < 2:
        return one_arm(name, sample)
    return too_few(name, sample)


def verdict_of(result: LargestDifference) -> Verdict:
    return Verdict.RED if result.p < CERTAIN and result.best_auc >= PLAIN else Verdict.AMBER


def in_words(result: LargestDifference) -> str:
    return f"AUC {result.best_auc:.2f} there, p = {result.p:.3f} over all of {len(result.z):,}"


def _numbers(result: LargestDifference) -> dict[str, float]:
    return {"auc": result.best_auc, "z": float(result.z[result.at]), "luck": result.luck, "p": result.p}


def _heat_map(result: LargestDifference, grids: npt.NDArray[np.float16]) -> HeatMap:
    """By cell the difference of the kind that differs most, and the mean of all images, to see where that is."""
    by_kind = result.z.reshape(grids.shape[1:])
    most = np.abs(by_kind).argmax(axis=0)
    z = np.take_along_axis(by_kind, most[None], axis=0)[0]
    mean = grids[:, 2].astype(np.float32).mean(axis=0)
    return {
        "z": np.rint(z * TENTHS).astype(int).tolist(),
        "luck": round(result.luck * TENTHS),
        "mean": np.rint(mean * 255).astype(int).tolist(),
    }
