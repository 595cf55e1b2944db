"""What the audit says of stacks, of which raters see more than the slice that stands for them."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from PIL import Image as PillowImage
from PIL import ImageDraw

from pool.canonical.pixels import Pixels
from pool.models import Origin
from rating.blinding.checks import Examined
from rating.blinding.containers import Container
from rating.blinding.stacks.other_slices import OtherSlices
from rating.blinding.stacks.slice_check import LOOKS, check_other_slices
from rating.blinding.stacks.stack_check import check_stacks, spacing_of
from rating.models import BlindingAudit
from tests.factories import make_dataset, make_stack
from tests.rating.blinding.planting import told
from tests.rating.blinding.pools import audited, image, nearly, study_of

pytestmark = pytest.mark.django_db
EACH = 6


def lettered(pixels: Pixels) -> Pixels:
    """Dark, with a letter in each corner."""
    marked = PillowImage.fromarray(pixels // 2)
    for x, y in product((14, 130), repeat=2):
        ImageDraw.Draw(marked).text((x, y), "L", fill=255, font_size=14)
    return np.asarray(marked)


def audit_of(
    *, of_fakes: int = 3, of_reals: int = 3, each: int = EACH, marked: bool = False, copied: bool = False
) -> BlindingAudit:
    """Of stacks: with letters on the last slice of generated ones or nowhere, the first slice of one copied or none."""
    arms = {Origin.REAL: of_reals, Origin.SYNTHETIC: of_fakes}
    datasets = [make_dataset(name=f"Stacks {origin}", origin=origin, modality="ct") for origin in arms]
    for arm, (dataset, slices) in enumerate(zip(datasets, arms.values(), strict=True)):
        for number in range(each):
            stack: list[Pixels] = [image(1000 * arm + 10 * number + place) for place in range(slices)]
            if arm and marked:
                stack[-1] = lettered(stack[-1])
            if arm and copied and number == 3:
                stack[0] = nearly(image(10 * 5 + 1))
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


def test_a_copy_of_another_slice_than_the_middle_one_is_found() -> None:
    audit = audit_of(of_fakes=5, of_reals=5, each=10, copied=True)

    assert told(audit, "a slice of a stack copied, not its middle one", "Duplicates in the study") == "red"
    assert [len(pair) for pair in said_of(audit, "Duplicates in the study")["codes"]] == [2]


def test_stacks_of_strangers_are_no_copies_and_too_few_real_ones_are_unknown_not_green() -> None:
    finding = said_of(audit_of(), "Duplicates in the study")

    assert finding["verdict"] == "unknown"
    assert "it takes 10 or more, here are 6" in finding["reason"]


def examined(number: int, *, synthetic: bool, spacing: dict[str, float] | None = None) -> Examined:
    container = Container(8, 8, 8, 0, ("IHDR",), 0)
    noise = np.random.default_rng([3, number])
    grids = noise.normal(size=(4, 3, 16, 16)).astype(np.float16)
    looks = noise.normal(size=(4, len(LOOKS)))
    other_slices = OtherSlices(grids, looks)
    return Examined(
        code=f"I{number:04}",
        synthetic=synthetic,
        counts=True,
        container=container,
        ranks=(0, 0, 0),
        native=(8, 8, 8),
        slices=9,
        other_slices=other_slices,
        spacing=spacing or {},
    )


def arms_of_stacks(each: int = 40) -> list[Examined]:
    return [examined(number, synthetic=number % 2 == 1) for number in range(2 * each)]


def test_a_mark_or_a_look_of_one_slice_beside_the_middle_one_is_red_and_the_sentence_says_which() -> None:
    marked, darker = arms_of_stacks(), arms_of_stacks()
    for member in marked:
        if member.synthetic and member.other_slices:
            member.other_slices.cells[2, 0, 1, 1] += 4
    for member in darker:
        if member.synthetic and member.other_slices:
            member.other_slices.looks[3, 0] -= 4

    places = check_other_slices(marked, numbers=[1, 3, 7, 9], seed=1)
    looks = check_other_slices(darker, numbers=[1, 3, 7, 9], seed=1)

    assert [finding.verdict for finding in places] == ["red", "green"]
    assert "at one place of slice 7, most at the upper left" in places[0].reason
    assert [finding.verdict for finding in looks] == ["green", "red"]
    assert "in slice 9, most in “mean brightness”, less" in looks[1].reason


@pytest.mark.parametrize(
    ("generated", "verdict", "words"),
    [
        (
            {"PixelSpacing": 0.7, "SliceThickness": 5.0, "SliceDistance": 5.0},
            "amber",
            "how thick slices are, 1 in",
        ),
        (
            {"PixelSpacing": 0.7, "SliceThickness": 1.0, "SliceDistance": 1.0},
            "green",
            "as far apart in millimetres",
        ),
        ({"PixelSpacing": 0.7}, "unknown", "how thick slices are or how far slices lie apart"),
    ],
)
def test_arms_are_compared_in_millimetres(generated: dict[str, float], verdict: str, words: str) -> None:
    real = {"PixelSpacing": 0.7, "SliceThickness": 1.0, "SliceDistance": 1.0}
    stacks = [
        examined(number, synthetic=arm, spacing=generated if arm else real)
        for number in range(12)
        for arm in (False, True)
    ]

    finding = check_stacks(stacks, slices=9, looked_at=5)

    assert finding.verdict == verdict
    assert words in finding.reason


def test_distances_are_read_from_the_tags_that_a_file_gave() -> None:
    tags = {"PixelSpacing": "[0.65, 0.7]", "SliceThickness": "1.25", "SliceDistance": "nonsense"}

    assert spacing_of(tags) == {"PixelSpacing": 0.65, "SliceThickness": 1.25}
