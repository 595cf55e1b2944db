"""Whether the kind of image, its modality or its finding, tells from which arm it comes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from rating.blinding.checks import CERTAIN, Examined, one_arm, too_few
from rating.blinding.findings import Finding, Verdict


def check_kinds(images: Sequence[Examined]) -> Finding:
    """Whether what an image is of tells its arm: its modality, or its finding where both arms have findings."""
    name = "Modality and finding"
    if len({image.synthetic for image in images}) < 2:
        return one_arm(name, images)
    labelled = [image for image in images if image.finding]
    both = len({image.synthetic for image in labelled}) == 2
    uneven = _uneven(images, [image.modality for image in images])
    uneven_findings = _uneven(labelled, [image.finding for image in labelled]) if both else []
    remedy = "Ask for the same modalities and findings of both arms, each in the same share."
    if uneven_in_words := "; ".join(uneven + uneven_findings):
        reason = f"What an image is of tells its origin: {uneven_in_words}."
        return Finding(name, Verdict.RED if uneven else Verdict.AMBER, reason, remedy)
    if alone := _in_one_arm_only(images):
        return Finding(name, Verdict.AMBER, f"In one arm only: {', '.join(alone)}.", remedy)
    return too_few(name, images) or Finding(
        name, Verdict.GREEN, "No kind of image stands in one arm more often than luck would have it."
    )


def _in_one_arm_only(images: Sequence[Examined]) -> list[str]:
    real, synthetic = (
        {image.modality for image in images if image.synthetic == arm} for arm in (False, True)
    )
    return sorted(real ^ synthetic)


def _uneven(images: Sequence[Examined], kinds: Sequence[str]) -> list[str]:
    """The kinds that stand in one arm more often than luck would have it (Fisher, Bonferroni), in words."""
    synthetic = np.array([image.synthetic for image in images])
    sentences = []
    for kind in (several := sorted(set(kinds))):
        of_kind = np.array([kind_of_image == kind for kind_of_image in kinds])
        counts = [
            [int((of_kind & arm).sum()), int((~of_kind & arm).sum())] for arm in (~synthetic, synthetic)
        ]
        if float(stats.fisher_exact(np.array(counts)).pvalue) * len(several) < CERTAIN:
            real, fake = counts
            sentences.append(
                f"“{kind}” on {real[0]} of {sum(real)} real and {fake[0]} of {sum(fake)} generated images"
            )
    return sentences
