"""An arena's audit: whether anything but the images tells which generator made one.

Each generator's images are held against all others, and the least likely of these is judged by its p times their number
(Bonferroni). File headers, numbers and orders must say nothing. How images look is what raters compare, so brightness,
sharpness and marks are named where a program tells most of them apart, and stop nothing: a person must say whether that
is the generator's doing or how its files were treated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from rating.blinding.cells import place_in_words
from rating.blinding.checks import (
    ALARM,
    CERTAIN,
    CONTAINER_NAMES,
    GREY_NAMES,
    NATIVE_SIZES,
    PLAIN,
    SHARPNESS_NAMES,
    UNLIKE_SIZES,
    Examined,
    listed,
    most_telling,
    one_feature_auc,
)
from rating.blinding.findings import Finding, Verdict
from rating.blinding.largest_difference import largest_difference
from rating.blinding.separability import FEWEST, separability

Matrix = npt.NDArray[np.float64]
CONTAINER, GREY, SHARPNESS = (
    "Container, numbers and order",
    "Brightness and contrast",
    "Sharpness and compression",
)
PLACES, LETTERS, KINDS = "Places in the image", "Letters burned in", "Kinds of images"
BY_PERSON = "say in the methods that raters could go by it, if it is the generator's doing"
LEAST_LABELLED = 0.8
FEWEST_EXPECTED = 5  # on average in a cell: with fewer, chi-square is no test


@dataclass(frozen=True, slots=True)
class Separation:
    """How well the images of one generator are told from all others."""

    generator: str
    auc: float
    p: float  # times the number of tests
    at: int
    tests: int


def check_generators(
    images: Sequence[Examined], *, seed: int, side: int, made_alike: bool, matched: bool
) -> list[Finding]:
    """Every check of the arms, of generators instead. matched: both images of each pair have one finding."""
    sizes = {name: sum(image.generator == name for image in images) for name in _generators(images)}
    few = [name for name, count in sizes.items() if count < FEWEST or len(images) - count < FEWEST]
    if len(sizes) < 2 or few:
        untested = [_untested(name, few, len(sizes)) for name in (CONTAINER, GREY, SHARPNESS, PLACES)]
    else:
        untested = [
            _container(images, seed),
            _looks(GREY, [image.grey for image in images], images, GREY_NAMES, seed),
            _looks(SHARPNESS, [image.sharpness for image in images], images, SHARPNESS_NAMES, seed),
            _places(images, seed),
        ]
    return [
        *untested,
        _native_sizes(images, side=side, made_alike=made_alike),
        _kinds(images, matched=matched),
        _letters(images),
    ]


def smallest_sizes(images: Sequence[Examined]) -> tuple[int, int]:
    """Of the generator with the fewest images, and of all others: what the checks' power rests on."""
    counts = [sum(image.generator == name for image in images) for name in _generators(images)]
    return (min(counts), len(images) - min(counts)) if counts else (0, 0)


def _generators(images: Sequence[Examined]) -> list[str]:
    return sorted({image.generator for image in images})


def _untested(check: str, few: Sequence[str], generators: int) -> Finding:
    if generators < 2:
        return Finding(
            check, Verdict.GREEN, "All images are of one generator: there is nothing to tell apart."
        )
    return Finding(
        check,
        Verdict.UNKNOWN,
        f"{listed([f'“{name}”' for name in few])}: too few images for this test, which needs {FEWEST} of each generator and "
        "of all others.",
        "Show more images of each generator, or say in the methods that this could not be tested.",
    )


def _each_against_the_rest(
    images: Sequence[Examined], of: Callable[[npt.NDArray[np.bool_]], tuple[float, float, int]]
) -> Separation:
    """The generator told best; of two the one is told as the other."""
    names = _generators(images)
    owner = np.array([image.generator for image in images])
    tried = names[:1] if len(names) == 2 else names
    separations = []
    for name in tried:
        auc, p, at = of(owner == name)
        separations.append(Separation(name, auc, min(1.0, p * len(tried)), at, len(tried)))
    return min(separations, key=lambda row: (row.p, -row.auc))


def _by_classifier(features: Matrix, images: Sequence[Examined], seed: int) -> Separation:
    def of(is_its: npt.NDArray[np.bool_]) -> tuple[float, float, int]:
        result = separability(features, is_its, seed=seed)
        return result.auc, result.p, most_telling(features, is_its)

    return _each_against_the_rest(images, of)


def _container(images: Sequence[Examined], seed: int) -> Finding:
    features = np.array([[*image.container.numbers(), *image.ranks] for image in images], dtype=np.float64)
    best = _by_classifier(features, images, seed)
    detail = {"auc": best.auc, "p": best.p, "generator": best.generator}
    if best.p >= ALARM:
        reason = f"File headers, numbers and places in the orders say nothing of the generator (AUC {best.auc:.2f})."
        return Finding(CONTAINER, Verdict.GREEN, reason, "", detail)
    return Finding(
        CONTAINER,
        Verdict.RED if best.p < CERTAIN * best.tests else Verdict.AMBER,
        f"A program tells images of “{best.generator}” by file headers, numbers or places in the orders alone "
        f"(AUC {best.auc:.2f}); most by {CONTAINER_NAMES[best.at]}.",
        "Copy the study and freeze the copy: it gets new images, numbers and orders.",
        detail,
    )


def _looks(
    check: str, rows: Sequence[Matrix | None], images: Sequence[Examined], names: Sequence[str], seed: int
) -> Finding:
    sample = [(row, image) for row, image in zip(rows, images, strict=True) if row is not None]
    owners = [image for _, image in sample]
    counts = [sum(image.generator == name for image in owners) for name in _generators(owners)]
    if len(counts) < 2 or min(counts) < FEWEST:
        return _untested(check, ["the images looked at"], 2)
    best = _by_classifier(np.array([row for row, _ in sample]), owners, seed)
    detail = {"auc": best.auc, "p": best.p, "generator": best.generator}
    if best.p >= ALARM or best.auc < PLAIN:
        reason = f"By this alone no generator is told from the others in three of four pairs (AUC {best.auc:.2f} at most)."
        return Finding(check, Verdict.GREEN, reason, "", detail)
    return Finding(
        check,
        Verdict.AMBER,
        f"A program tells images of “{best.generator}” from the others by it alone (AUC {best.auc:.2f}); most by "
        f"{names[best.at]}.",
        f"Freeze again with one size and the same grey levels for all images, if files were treated differently; {BY_PERSON}.",
        detail,
    )


def _places(images: Sequence[Examined], seed: int) -> Finding:
    sample = [image for image in images if image.cells is not None]
    counts = [sum(image.generator == name for image in sample) for name in _generators(sample)]
    if len(counts) < 2 or min(counts) < FEWEST:
        return _untested(PLACES, ["the images looked at"], 2)
    grids = np.stack([image.cells for image in sample if image.cells is not None])
    flat = grids.reshape(len(grids), -1)

    def of(is_its: npt.NDArray[np.bool_]) -> tuple[float, float, int]:
        result = largest_difference(flat, is_its, seed=seed)
        return result.best_auc, result.p, int(result.at)

    best = _each_against_the_rest(sample, of)
    detail = {"auc": best.auc, "p": best.p, "generator": best.generator}
    if best.p >= ALARM or best.auc < PLAIN:
        reason = f"At no place do images of a generator differ from the others in three of four pairs (AUC {best.auc:.2f} at most)."
        return Finding(PLACES, Verdict.GREEN, reason, "", detail)
    _, row, column = np.unravel_index(best.at, grids.shape[1:])
    place = place_in_words(int(row), int(column), (grids.shape[2], grids.shape[3]))
    return Finding(
        PLACES,
        Verdict.AMBER,
        f"Images of “{best.generator}” differ from the others at one place, most at {place} (AUC {best.auc:.2f}).",
        f"Look whether a mark or a frame stands there, and freeze again with corners masked; {BY_PERSON}.",
        detail,
    )


def _native_sizes(images: Sequence[Examined], *, side: int, made_alike: bool) -> Finding:
    sizes = np.array([min(image.native[:2]) for image in images], dtype=np.float64)
    owner = np.array([image.generator for image in images])
    medians = {name: int(np.median(sizes[owner == name])) for name in _generators(images)}
    words = listed([f"“{name}” {median}" for name, median in medians.items()])
    if made_alike:
        reason = (
            f"All images were brought to one size before the canvas (medians across, in pixels: {words})."
        )
        return Finding(NATIVE_SIZES, Verdict.GREEN, reason, by_construction=True)
    best = max((one_feature_auc(sizes, owner == name) for name in medians), default=0.5)
    if len(medians) < 2 or best <= UNLIKE_SIZES or sizes.min(initial=side) >= side:
        return Finding(
            NATIVE_SIZES,
            Verdict.GREEN,
            f"Generators have like sizes, or all are shrunk: {words} pixels across.",
        )
    return Finding(
        NATIVE_SIZES,
        Verdict.AMBER,
        f"Generators are enlarged or shrunk to {side} pixels by different factors: {words} pixels across (medians).",
        "Freeze again with all images brought to the size of the smallest.",
        {"medians": medians},
    )


def _kinds(images: Sequence[Examined], *, matched: bool) -> Finding:
    if matched:
        return Finding(
            KINDS,
            Verdict.GREEN,
            "Both images of each pair have one modality and one finding.",
            by_construction=True,
        )
    labelled = [image for image in images if image.finding]
    if len(labelled) < LEAST_LABELLED * len(images):
        return Finding(
            KINDS,
            Verdict.UNKNOWN,
            f"{len(images) - len(labelled)} of {len(images)} images have no finding, so whether findings tell the generator "
            "is not known; both images of a pair have one modality.",
            "Import a table of labels, and let both images of a pair have the same finding.",
        )
    p = _association([image.generator for image in labelled], [image.finding for image in labelled])
    if p is None or p >= ALARM:
        return Finding(
            KINDS, Verdict.GREEN, "No finding stands with one generator more often than luck would have it."
        )
    return Finding(
        KINDS,
        Verdict.AMBER,
        f"Findings differ between generators (chi-square, p {'< 0.001' if p < CERTAIN else f'= {p:.3f}'}).",
        "Let both images of a pair have the same finding, and freeze again.",
        {"p": p},
    )


def _letters(images: Sequence[Examined]) -> Finding:
    examined = [image for image in images if image.letters is not None]
    flagged = [image.code for image in examined if image.letters]
    if not flagged:
        return Finding(LETTERS, Verdict.GREEN, f"No letters were found on {len(examined)} images.")
    p = _association(
        [image.generator for image in examined], [str(bool(image.letters)) for image in examined]
    )
    codes = [[code] for code in sorted(flagged)]
    counts = listed(
        [
            f"{sum(bool(i.letters) for i in examined if i.generator == name)} of {sum(i.generator == name for i in examined)} of “{name}”"
            for name in _generators(examined)
        ]
    )
    if p is None or p >= ALARM:
        return Finding(LETTERS, Verdict.GREEN, f"Marks like letters stand on {counts}: alike.", "", {}, codes)
    return Finding(
        LETTERS,
        Verdict.AMBER,
        f"Marks like letters stand on {counts}: they tell generators apart.",
        f"Freeze again with the corners of every image masked or such images left out; {BY_PERSON}.",
        {"p": p},
        codes,
        leave_out=flagged,
    )


def _association(names: Sequence[str], values: Sequence[str]) -> float | None:
    """p of chi-square; None where there is nothing, or too little, to test."""
    rows, columns = sorted(set(names)), sorted(set(values))
    table = np.zeros((len(rows), len(columns)))
    for name, value in zip(names, values, strict=True):
        table[rows.index(name), columns.index(value)] += 1
    if min(table.shape) < 2 or table.sum() < FEWEST_EXPECTED * table.size:
        return None
    return float(stats.chi2_contingency(table).pvalue)
