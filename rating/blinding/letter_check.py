"""Marks that look like letters, in each arm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy import stats

from rating.blinding.checks import ALARM, Examined, one_arm, singly
from rating.blinding.findings import Finding, Verdict

NAME = "Letters burned in"


def check_letters(images: Sequence[Examined], *, policy: str) -> Finding:
    """Whether letters tell the arms apart; marks on both alike are no leak. `policy` is the study's choice for both."""
    examined = [image for image in images if image.letters is not None]
    flagged = [image.code for image in examined if image.letters]
    by_arm = Counter((image.synthetic, bool(image.letters)) for image in examined)
    counts = [[by_arm[arm, True], by_arm[arm, False]] for arm in (False, True)]
    counts_in_words = (
        f"{counts[0][0]} of {sum(counts[0])} real and {counts[1][0]} of {sum(counts[1])} generated images"
    )
    if not flagged:
        return Finding(NAME, Verdict.GREEN, f"No letters were found on {len(examined)} images.")
    codes = singly(flagged)
    if not all(sum(row) for row in counts):
        alone = one_arm(NAME, images)
        return Finding(
            NAME, alone.verdict, f"{alone.reason} {len(flagged)} have marks like letters.", codes=codes
        )
    p = float(stats.fisher_exact(np.array(counts)).pvalue)
    detail = {"flagged": len(flagged), "p": p}
    if p >= ALARM:
        return Finding(
            NAME,
            Verdict.GREEN,
            f"Marks like letters stand on {counts_in_words}: no more on one arm than luck would have it.",
            "",
            detail,
            codes,
        )
    remedy = (
        "Freeze again with the corners of every image masked, or with images that have letters left out of both arms."
        if policy == "keep"
        else "Leave out the flagged images and freeze again."
    )
    reason = f"Marks like letters stand on {counts_in_words}: they tell the arms apart."
    return Finding(NAME, Verdict.RED, reason, remedy, detail, codes, leave_out=flagged)
