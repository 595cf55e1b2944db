"""Stacks of slices: how far raters' steps reach in each arm, and what of the slices the audit has not looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from rating.blinding.checks import UNLIKE_SIZES, Examined, one_arm
from rating.blinding.findings import Finding, Verdict

NAME = "Slices of the stacks"


def check_stacks(images: Sequence[Examined], *, slices: int, looked_at: int) -> Finding:
    """Whether one arm's stacks are thicker. `slices` is what raters see of each, `looked_at` how many had letters sought."""
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
    return Finding(
        NAME,
        Verdict.UNKNOWN,
        f"The arms' stacks have like numbers of slices. Of the {slices} that raters see of each stack letters were "
        f"sought on {looked_at}; copies, grey levels, sharpness, places and shading on the middle one alone.",
        "Scroll through some stacks of each arm yourself before the study opens.",
    )
