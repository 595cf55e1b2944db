"""What the audit says of stacks, of which raters see more than the slice that stands for them."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from PIL import Image as PillowImage
from PIL import ImageDraw

from pool.canonical.pixels import Pixels
from pool.models import Origin
from rating.models import BlindingAudit
from tests.factories import make_dataset, make_stack
from tests.rating.blinding.pools import audited, image, study_of

pytestmark = pytest.mark.django_db
EACH = 6


def lettered(pixels: Pixels) -> Pixels:
    """Dark, with a letter in each corner."""
    marked = PillowImage.fromarray(pixels // 2)
    for x, y in product((14, 130), repeat=2):
        ImageDraw.Draw(marked).text((x, y), "L", fill=255, font_size=14)
    return np.asarray(marked)


def audit_of(*, of_fakes: int = 3, marked: bool = False) -> BlindingAudit:
    """Of stacks: real ones of three slices, generated ones of so many, letters on the last slice of these or nowhere."""
    arms = {Origin.REAL: 3, Origin.SYNTHETIC: of_fakes}
    datasets = [make_dataset(name=f"Stacks {origin}", origin=origin, modality="ct") for origin in arms]
    for arm, (dataset, slices) in enumerate(zip(datasets, arms.values(), strict=True)):
        for number in range(EACH):
            stack: list[Pixels] = [image(1000 * arm + 10 * number + place) for place in range(slices)]
            if arm and marked:
                stack[-1] = lettered(stack[-1])
            make_stack(dataset, stack)
    return audited(study_of(*datasets))


def said_of(audit: BlindingAudit, check: str) -> dict[str, str]:
    return next(finding for finding in audit.findings if finding["check"] == check)


def test_letters_on_any_slice_of_one_arm_are_red() -> None:
    assert said_of(audit_of(marked=True), "Letters burned in")["verdict"] == "red"


def test_thicker_stacks_in_one_arm_are_amber_though_raters_see_as_many_slices() -> None:
    finding = said_of(audit_of(of_fakes=7), "Slices of the stacks")

    assert finding["verdict"] == "amber"
    assert "of 3 of a real one, of 7 of a generated one" in finding["reason"]


def test_what_was_looked_for_on_the_middle_slice_alone_is_unknown_of_the_others() -> None:
    audit = audit_of()

    assert "No letters" in said_of(audit, "Letters burned in")["reason"]
    assert said_of(audit, "Slices of the stacks")["verdict"] == "unknown"
