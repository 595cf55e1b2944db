"""The checks of the audit: each takes what was examined and gives one finding."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from rating.blinding.cells import Halves
from rating.blinding.containers import Container
from rating.blinding.findings import Finding, Verdict
from rating.blinding.intensity import BANDS, PERCENTILES, Floats
from rating.blinding.separability import FEWEST, separability
from rating.blinding.stacks.other_slices import OtherSlices

ALARM = 0.01  # luck does as well once in a hundred audits: look
CERTAIN = 0.001  # none of a thousand shuffles does as well: stop
PLAIN = 0.75  # from here on a program tells three of four pairs apart: an eye may as well
NATIVE_SIZES = "Native sizes"
UNLIKE_SIZES = 0.6  # the AUC of the native sizes, from where on the arms are enlarged differently
NAMED = 6  # images named in a sentence

CONTAINER_NAMES = [
    "width",
    "height",
    "bit depth",
    "colour type",
    "number of chunks",
    "number of IDAT chunks",
    "bytes beside the pixels",
    "bytes of another encoder",
    "row number",
    "code",
    "mean place in the orders",
]
GREY_NAMES = [
    "mean brightness",
    "contrast",
    *(f"brightness at percentile {percent}" for percent in PERCENTILES),
    "share of black",
    "share of white",
    "entropy of the histogram",
    "gaps in the histogram",
    *(f"brightness of the {side} margin" for side in ("upper", "lower", "left", "right")),
    *(f"structure in the {side} margin" for side in ("upper", "lower", "left", "right")),
]
SHARPNESS_NAMES = [
    *(f"energy in frequency band {band} of {BANDS + 1}" for band in range(1, BANDS + 2)),
    "fine edges",
    "sharpest edge",
    "blocks of eight rows",
    "blocks of eight columns",
]


@dataclass(frozen=True, slots=True)
class Examined:
    """What the audit knows of one study image."""

    code: str
    synthetic: bool
    counts: bool  # not practice and no probe, which are meant to be obvious
    container: Container
    ranks: tuple[float, float, float]  # row number, code, mean place in the orders
    native: tuple[int, int, int]  # width, height, bits of the source (its levels, where they were counted)
    modality: str = ""
    finding: str = ""
    view: str = ""
    site: str = ""
    sex: str = ""
    age_band: str = ""
    device: str = ""
    patient: str = ""
    intact: bool = True
    grey: Floats | None = None  # these only where the image is in the sample
    sharpness: Floats | None = None
    letters: int | None = None
    cells: Halves | None = None
    other_slices: OtherSlices | None = None
    slices: int = 1  # of the source
    generator: str = ""  # of an arena, where it stands for the arm
    spacing: Mapping[str, float] = field(default_factory=dict)  # in mm, by the name of the distance


def check_headers(images: Sequence[Examined], *, side: int, bits: int) -> Finding:
    """Every derivative by its header: one size, one depth, one mode, no chunk but pixels, unchanged."""
    name = "Headers and metadata"
    faults: dict[str, list[str]] = defaultdict(list)
    for image in images:
        for fault in image.container.faults(side=side, bits=bits):
            faults[fault].append(image.code)
        if not image.intact:
            faults["changed since the freeze"].append(image.code)
    if not faults:
        return Finding(
            name,
            Verdict.GREEN,
            f"All {len(images)} images are {side}×{side}, {bits}-bit grey, of one encoder, without metadata.",
        )
    faults_in_words = "; ".join(f"{fault}: {len(codes)}" for fault, codes in sorted(faults.items()))
    return Finding(
        name,
        Verdict.RED,
        f"Not all of {len(images)} images are of one form ({faults_in_words}).",
        "Copy the study and freeze the copy, so that every image is written again by one path.",
        {"faults": {fault: len(codes) for fault, codes in faults.items()}},
        singly({code for codes in faults.values() for code in codes}),
    )


def check_container(images: Sequence[Examined], *, seed: int) -> Finding:
    """What a program guesses from headers, row numbers, codes and places alone; anything is too much."""
    rows = [[*image.container.numbers(), *image.ranks] for image in images]
    return _classified(
        "Container, numbers and order",
        rows,
        images,
        CONTAINER_NAMES,
        seed=seed,
        otherwise="File headers, numbers and places in the orders say nothing of the origin",
        features_in_words="the file headers, numbers or places in the orders",
        remedy="Copy the study and freeze the copy: it gets new images, numbers and orders.",
        at_any_size=True,
    )


def check_grey_levels(images: Sequence[Examined], *, seed: int) -> Finding:
    sample = [image for image in images if image.grey is not None]
    return _classified(
        "Brightness and contrast",
        [image.grey for image in sample if image.grey is not None],
        sample,
        GREY_NAMES,
        seed=seed,
        otherwise="Brightness and contrast say nothing of the origin beyond luck",
        features_in_words="brightness and contrast",
        remedy=(
            "Freeze again with the same grey levels for all images, or say in the methods "
            "that raters could go by brightness."
        ),
    )


def check_sharpness(images: Sequence[Examined], *, seed: int, made_alike: bool = False) -> Finding:
    sample = [image for image in images if image.sharpness is not None]
    return _classified(
        "Sharpness and compression",
        [image.sharpness for image in sample if image.sharpness is not None],
        sample,
        SHARPNESS_NAMES,
        seed=seed,
        otherwise="Sharpness and traces of compression say nothing of the origin beyond luck",
        features_in_words="sharpness or traces of compression",
        remedy=_sharpness_remedy(images, made_alike=made_alike),
    )


def _sharpness_remedy(images: Sequence[Examined], *, made_alike: bool) -> str:
    smallest = min((min(image.native[:2]) for image in images), default=0)
    if not made_alike and _native_auc(images) > UNLIKE_SIZES:
        return (
            "The arms differ in native size: freeze again with all images brought to the size of the smallest "
            f"({smallest} pixels), so that neither arm is enlarged more than the other."
        )
    return (
        "No choice of the freeze evens out how files were compressed or filtered: import both arms anew from files "
        "treated alike, or say in the methods that raters could go by sharpness."
    )


def check_native_sizes(images: Sequence[Examined], *, side: int, made_alike: bool = False) -> Finding:
    """Whether one arm was enlarged and the other shrunk to the canvas."""
    name = NATIVE_SIZES
    if len({image.synthetic for image in images}) < 2:
        return one_arm(name, images)
    sizes = {arm: [min(i.native[:2]) for i in images if i.synthetic == arm] for arm in (False, True)}
    medians = {arm: int(np.median(values)) for arm, values in sizes.items()}
    medians_in_words = (
        f"real images are {medians[False]} pixels across, generated ones {medians[True]} (medians)"
    )
    if made_alike:
        reason = f"All images were brought to one size before the canvas: {medians_in_words}."
        return Finding(name, Verdict.GREEN, reason, by_construction=True)
    if min(np.percentile(values, 5) for values in sizes.values()) >= side:
        reason = f"Both arms are shrunk to {side} pixels: {medians_in_words}."
        return Finding(name, Verdict.GREEN, reason, by_construction=True)
    if _native_auc(images) <= UNLIKE_SIZES:
        return Finding(name, Verdict.GREEN, f"Both arms have like sizes: {medians_in_words}.")
    smaller = min(medians.values())
    return Finding(
        name,
        Verdict.AMBER,
        f"The arms are enlarged or shrunk to {side} pixels by different factors: {medians_in_words}.",
        "Freeze again with all images brought to the size of the smallest, or copy the study and freeze the copy with a "
        f"canvas of {smaller} pixels or less.",
        {"medians": {"real": medians[False], "synthetic": medians[True]}},
    )


def check_native_depths(images: Sequence[Examined]) -> Finding:
    """Of a study in sixteen bits: whether one arm comes from eight, which a narrow window shows as steps.

    A depth that one arm alone has gives away each image that has it, however few they are.
    """
    name = "Native depths"
    if len({image.synthetic for image in images}) < 2:
        return one_arm(name, images)
    deep = {arm: [image.native[2] > 8 for image in images if image.synthetic == arm] for arm in (False, True)}
    in_words = (
        f"{sum(deep[False])} of {len(deep[False])} real images and {sum(deep[True])} of {len(deep[True])} "
        "generated ones have more than eight bits at their source"
    )
    if all(map(all, deep.values())) or not any(map(any, deep.values())):
        return Finding(name, Verdict.GREEN, f"Both arms are as deep: {in_words}.", by_construction=True)
    depths = np.array([image.native[2] > 8 for image in images], dtype=np.float64)
    tells = one_feature_auc(depths, np.array([image.synthetic for image in images])) > UNLIKE_SIZES
    if not tells and set(deep[False]) == set(deep[True]):
        return Finding(name, Verdict.GREEN, f"Depth says little of the origin: {in_words}.")
    return Finding(
        name,
        Verdict.RED if tells else Verdict.AMBER,
        f"Under a narrow window grey levels of eight bits show as steps: {in_words}.",
        "Copy the study and freeze the copy with a grey depth of 8 bits, or generate in 16 bits "
        "(a model trained with bits = 16, lungrater generate --bits 16).",
    )


def _native_auc(images: Sequence[Examined]) -> float:
    """How far the native sizes tell the arms apart, 0.5 to 1, whichever arm is larger."""
    return one_feature_auc(
        np.array([min(image.native[:2]) for image in images], dtype=np.float64),
        np.array([image.synthetic for image in images]),
    )


def check_patients(images: Sequence[Examined], copies: Sequence[tuple[str, str, bool, bool]] = ()) -> Finding:
    """By their keys; where those are missing by `copies`, codes of images as alike as copies or neighbouring slices are."""
    name = "Patients"
    if len({image.synthetic for image in images}) < 2:
        return one_arm(name, images)
    of_patient: dict[str, list[Examined]] = defaultdict(list)
    for image in images:
        if image.patient:
            of_patient[image.patient].append(image)
    shared = [group for group in of_patient.values() if len({image.synthetic for image in group}) == 2]
    if shared:
        return Finding(
            name,
            Verdict.RED,
            f"{counted(len(shared), 'patient stands', 'patients stand')} in both arms.",
            "Leave out the generated images made from these patients and freeze again.",
            codes=[[image.code for image in group] for group in shared],
            leave_out=[image.code for group in shared for image in group if image.synthetic],
        )
    if pairs := _alike_without_keys(images, copies):
        return Finding(
            name,
            Verdict.RED,
            f"{counted(len(pairs), 'pair', 'pairs')} of a real and a generated image without patient keys are so alike that "
            "they show one patient.",
            "Leave out the generated image of each pair and freeze again.",
            codes=pairs,
            leave_out=sorted(
                {image.code for image in images if image.synthetic} & {c for pair in pairs for c in pair}
            ),
        )
    keyed = sum(len(group) for group in of_patient.values())
    several = keyed - len(of_patient)
    more = f" {several} images are further ones of a patient already in the study." if several else ""
    if keyed < len(images):
        return Finding(
            name,
            Verdict.UNKNOWN,
            f"{len(images) - keyed} of {len(images)} images have no patient key, so whether a patient stands in both "
            f"arms is not known for them. By image none shows: no real and no generated one are as alike as copies or "
            f"neighbouring slices of one patient, but another exposure of a patient is not known by its image.{more}",
            "Import keys of patients for both arms: for a generated image those of the patients it was made from, "
            "where it was made from any.",
        )
    return Finding(name, Verdict.GREEN, f"No patient stands in both arms ({keyed} images with a key).{more}")


def _alike_without_keys(
    images: Sequence[Examined], copies: Sequence[tuple[str, str, bool, bool]]
) -> list[tuple[str, str]]:
    keyless = {image.code for image in images if not image.patient}
    return [(a, b) for a, b, *origins in copies if origins[0] != origins[1] and {a, b} & keyless]


def _classified(
    name: str,
    rows: Sequence[Sequence[float] | Floats],
    images: Sequence[Examined],
    names: Sequence[str],
    *,
    seed: int,
    otherwise: str,
    features_in_words: str,
    remedy: str,
    at_any_size: bool = False,
) -> Finding:
    synthetic = np.array([image.synthetic for image in images], dtype=bool)
    if not len(synthetic) or synthetic.all() or not synthetic.any():
        return one_arm(name, images)
    if few := too_few(name, images):
        return few
    features = np.asarray(rows, dtype=np.float64)
    result = separability(features, synthetic, seed=seed)
    numbers = f"AUC {result.auc:.2f}, by luck {result.low:.2f} to {result.high:.2f}"
    detail = {"auc": result.auc, "band": [result.low, result.high], "p": result.p}
    if result.p >= ALARM:
        return Finding(name, Verdict.GREEN, f"{otherwise} ({numbers}).", "", detail)
    feature = names[most_telling(features, synthetic)]
    reason = f"A program tells the arms apart by {features_in_words} alone ({numbers}); most by {feature}."
    red = result.p < CERTAIN and (at_any_size or result.auc >= PLAIN)
    return Finding(name, Verdict.RED if red else Verdict.AMBER, reason, remedy, detail)


def one_arm(name: str, images: Sequence[Examined]) -> Finding:
    arm = "generated" if any(image.synthetic for image in images) else "real"
    return Finding(name, Verdict.GREEN, f"All images are {arm}: there is nothing to tell apart.")


def too_few(name: str, images: Sequence[Examined]) -> Finding | None:
    """What there is to say of a test of both arms where one is too small for it."""
    synthetic = sum(image.synthetic for image in images)
    if min(synthetic, len(images) - synthetic) >= FEWEST:
        return None
    return Finding(
        name,
        Verdict.UNKNOWN,
        f"{len(images) - synthetic} real and {synthetic} generated images are too few for this test, "
        f"which needs {FEWEST} of each.",
        "Show more images of each arm, or say in the methods that this could not be tested.",
    )


def most_telling(features: Floats, synthetic: np.ndarray) -> int:
    """The feature (column) that by itself tells the two best."""
    return int(np.argmax([one_feature_auc(column, synthetic) for column in features.T]))


def one_feature_auc(values: Floats, synthetic: np.ndarray) -> float:
    """How far one number tells the two, 0.5 to 1, whichever has more of it."""
    positive, negative = values[synthetic], values[~synthetic]
    if not len(positive) or not len(negative):
        return 0.5
    u = stats.mannwhitneyu(positive, negative).statistic
    auc = float(u) / (len(positive) * len(negative))
    return max(auc, 1 - auc)


def listed(words: Sequence[str]) -> str:
    text = ", ".join(words[:NAMED])
    return f"{text} and {len(words) - NAMED} more" if len(words) > NAMED else text


def singly(codes: Iterable[str]) -> list[list[str]]:
    return [[code] for code in sorted(codes)]


def counted(count: int, singular: str, plural: str) -> str:
    return f"{count} {singular if count == 1 else plural}"
