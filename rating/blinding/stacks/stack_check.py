"""Stacks of slices: how far raters' steps reach in each arm, and in what the audit has looked at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

from rating.blinding.checks import ALARM, UNLIKE_SIZES, Examined, one_arm, one_feature_auc
from rating.blinding.findings import Finding, Verdict

NAME = "Slices of the stacks"
SPACINGS = {
    "PixelSpacing": "how far pixels lie apart",
    "SliceThickness": "how thick slices are",
    "SliceDistance": "how far slices lie apart",
}
LEAST_KNOWN = 0.8  # of each arm, as of the kinds of images


def spacing_of(provenance: Mapping[str, object]) -> dict[str, float]:
    """The distances that an image's file gave, in mm, by name; of a pixel its height."""
    distances = {}
    for name in SPACINGS:
        words = str(provenance.get(name, "")).strip("[]").split(",")[0]
        try:
            distance = float(words)
        except ValueError:
            continue
        if 0 < distance < np.inf:
            distances[name] = distance
    return distances


def check_stacks(images: Sequence[Examined], *, slices: int, looked_at: int) -> Finding:
    """Whether one arm's stacks are thicker. `slices` is what raters see of each, `looked_at` how many of them the audit saw."""
    if len({image.synthetic for image in images}) < 2:
        return one_arm(NAME, images)
    numbers = {arm: [image.slices for image in images if image.synthetic == arm] for arm in (False, True)}
    real, generated = (int(np.median(numbers[arm])) for arm in (False, True))
    share = stats.mannwhitneyu(numbers[False], numbers[True]).statistic / (
        len(numbers[False]) * len(numbers[True])
    )
    if max(share, 1 - share) > UNLIKE_SIZES:
        return Finding(
            NAME,
            Verdict.AMBER,
            f"Raters see {slices} slices of each stack: of {real} of a real one, of {generated} of a generated one "
            "(medians). A step reaches farther in one arm, which scrolling may show.",
            "Take stacks of like numbers of slices, or let raters see 1 slice of each, the middle one.",
            {"medians": {"real": real, "synthetic": generated}},
        )
    sentence = (
        f"The arms' stacks have like numbers of slices. Of the {slices} that raters see of each stack the audit looked at "
        f"{looked_at}, copies among them; what lies between is not looked at."
    )
    return _of_spacing(images, sentence)


def _of_spacing(images: Sequence[Examined], sentence: str) -> Finding:
    unlike, missing = [], []
    for name, words in SPACINGS.items():
        known = [image for image in images if name in image.spacing]
        counts = [_share_of_arm(known, images, arm) for arm in (False, True)]
        if min(counts) < LEAST_KNOWN:
            missing.append(words)
            continue
        values = np.array([image.spacing[name] for image in known])
        synthetic = np.array([image.synthetic for image in known])
        p = stats.mannwhitneyu(values[synthetic], values[~synthetic]).pvalue
        if one_feature_auc(values, synthetic) > UNLIKE_SIZES and p < ALARM:
            real, generated = (float(np.median(values[synthetic == arm])) for arm in (False, True))
            unlike.append(f"{words}, {real:.3g} in real stacks and {generated:.3g} in generated ones")
    if unlike:
        return Finding(
            NAME,
            Verdict.AMBER,
            f"{sentence} Scale or steps differ in millimetres (medians): {'; '.join(unlike)}.",
            "Take stacks of like spacing, or say in the methods that raters could go by scale or steps.",
        )
    if missing:
        return Finding(
            NAME,
            Verdict.UNKNOWN,
            f"{sentence} Too few files of one arm or both say {' or '.join(missing)}, in millimetres.",
            "Scroll through some stacks of each arm yourself before the study opens.",
        )
    return Finding(
        NAME, Verdict.GREEN, f"{sentence} Pixels and slices of both arms lie as far apart in millimetres."
    )


def _share_of_arm(known: Sequence[Examined], images: Sequence[Examined], arm: bool) -> float:
    return sum(image.synthetic == arm for image in known) / sum(image.synthetic == arm for image in images)
