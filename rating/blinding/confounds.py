"""Whether the kind of image, its modality, finding, view, site, device, or its patient's sex or age, tells from which arm it comes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats

from rating.blinding.checks import CERTAIN, NAMED, PLAIN, Examined, counted, one_arm, too_few
from rating.blinding.findings import Finding, Verdict, worst_of

NAME = "Kinds of images"
FEWEST_LABELLED = 3  # of each arm, before a value that only one arm has is more than an example
LEAST_KNOWN = 0.8  # of each arm: with fewer labels what is missing may be what tells
KINDS: dict[str, Callable[[Examined], str]] = {
    "modality": lambda image: image.modality,
    "finding": lambda image: image.finding,
    "view": lambda image: image.view,
    "site": lambda image: image.site,
    "device": lambda image: image.device,
    "sex": lambda image: image.sex,
    "age band": lambda image: image.age_band,
}
# What a generated image has only where its model was told it: that all of an arm lack it says nothing of the images.
OF_PATIENTS = {"sex", "age band"}
OPTIONAL = {"view", "site", "device"}  # what no import need give; where nobody gave it nothing is said of it
REMEDY = "Ask for the same kinds of images of both arms, each in the same share."


def check_kinds(images: Sequence[Examined]) -> Finding:
    """Red where a kind tells the arm, unknown where too few images say of what kind they are."""
    if len({image.synthetic for image in images}) < 2:
        return one_arm(NAME, images)
    leaks = [of_kind for kind, value in KINDS.items() if (of_kind := _leak_of(images, value, kind))]
    if leaks:
        reason = f"What an image is of tells its origin: {'; '.join(sentence for sentence, _ in leaks)}."
        return Finding(NAME, worst_of(verdict for _, verdict in leaks), reason, REMEDY)
    if alone := _in_one_arm_only(images):
        return Finding(NAME, Verdict.AMBER, f"In one arm only: {', '.join(alone)}.", REMEDY)
    if missing := _missing(images):
        return Finding(
            NAME,
            Verdict.UNKNOWN,
            f"Whether the kind of image tells its origin is not known: {'; '.join(missing)}.",
            "Import a table of labels for both arms.",
        )
    if few := too_few(NAME, images):
        return few
    looked_at = [kind for kind, value in KINDS.items() if _is_of_both_arms(images, value, kind)]
    return Finding(
        NAME,
        Verdict.GREEN,
        f"No {' and no '.join(looked_at)} stands in one arm more often than luck would have it.",
    )


def _is_of_both_arms(images: Sequence[Examined], value: Callable[[Examined], str], kind: str) -> bool:
    """Whether images say of what kind they are; of patients, whether those of both arms do."""
    arms = {image.synthetic for image in images if value(image)}
    return len(arms) == 2 if kind in OF_PATIENTS else bool(arms)


def _in_one_arm_only(images: Sequence[Examined]) -> list[str]:
    real, synthetic = (
        {image.modality for image in images if image.synthetic == arm} for arm in (False, True)
    )
    return sorted(real ^ synthetic)


def _missing(images: Sequence[Examined]) -> list[str]:
    """In words: of which kind how many images of an arm say nothing."""
    sentences = []
    for kind, value in KINDS.items():
        if kind in OF_PATIENTS or (kind in OPTIONAL and not any(value(image) for image in images)):
            continue
        for synthetic, arm in ((False, "real"), (True, "generated")):
            of_arm = [image for image in images if image.synthetic == synthetic]
            without = sum(not value(image) for image in of_arm)
            if without > (1 - LEAST_KNOWN) * len(of_arm):
                sentences.append(f"{counted(without, f'{arm} image has', f'{arm} images have')} no {kind}")
    return sentences


def _leak_of(
    images: Sequence[Examined], value: Callable[[Examined], str], kind: str
) -> tuple[str, Verdict] | None:
    """In words which values of this kind tell the arm, and how bad that is; None where none does.

    Images without a value are left out here: that one arm has labels and the other none is unknown, no confound.
    """
    labelled = [image for image in images if value(image)]
    arms = {arm: Counter(value(i) for i in labelled if i.synthetic == arm) for arm in (False, True)}
    real, fake = arms[False], arms[True]
    totals = real.total(), fake.total()
    if not all(totals):
        return None
    several = sorted(real | fake)
    uneven = [
        name
        for name in several
        if float(stats.fisher_exact(_counts(real[name], fake[name], totals)).pvalue) * len(several) < CERTAIN
    ]
    equals_arm = (
        min(totals) >= FEWEST_LABELLED and not real.keys() & fake.keys() and len(labelled) >= 2 * len(several)
    )
    names = several if equals_arm else uneven
    if not names:
        return None
    sentence = ", ".join(
        f"“{name}” on {real[name]} of {totals[0]} real and {fake[name]} of {totals[1]} generated images"
        for name in names[:NAMED]
    )
    auc = (1 + sum(abs(real[n] / totals[0] - fake[n] / totals[1]) for n in several) / 2) / 2
    red = equals_arm or auc >= PLAIN or kind == "modality"
    return f"{kind} {sentence}", Verdict.RED if red else Verdict.AMBER


def _counts(real: int, fake: int, totals: tuple[int, int]) -> npt.NDArray[np.int64]:
    return np.array([[real, totals[0] - real], [fake, totals[1] - fake]])
