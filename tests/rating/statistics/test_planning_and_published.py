"""Sizes of studies to come, and tables of studies that were."""

import time

import pytest

from rating.results.check_table import Part, check
from rating.statistics.planning import Pilot, images_for_kappa, images_for_power, reader_power
from rating.statistics.table_consistency import PublishedTable, check_claim

pytestmark = pytest.mark.filterwarnings("error")

LABELS = ("real", "fake", "unsure")
PILOT = Pilot(images=114, var_test_rater=0.0002, error=0.0008, cov1=0.00035, cov2=0.00034, cov3=0.00024)


@pytest.mark.parametrize(
    ("shares", "raters", "images"),
    [((0.3, 0.7), 2, 191), ((0.3, 0.7), 3, 106), ((0.3, 0.3, 0.4), 2, 108)],
)
def test_images_for_kappa_are_those_of_kappasize(shares: tuple[float, ...], raters: int, images: int) -> None:
    assert images_for_kappa(0.4, 0.6, shares, raters) == images


def test_impossible_plans_are_refused() -> None:
    with pytest.raises(ValueError, match="shares must sum to 1"):
        images_for_kappa(0.4, 0.6, (0.5, 0.4))


def test_more_raters_need_fewer_images_and_too_few_raters_never_get_there() -> None:
    four, eight = (images_for_power(PILOT, raters, effect=0.05) for raters in (4, 8))

    assert four is not None
    assert eight is not None
    assert eight < four
    assert reader_power(PILOT, 4, four, 0.05).power >= 0.8 > reader_power(PILOT, 4, four - 1, 0.05).power
    assert images_for_power(PILOT, 2, effect=0.02) is None


def published(first: tuple[int, int, int], second: tuple[int, int, int]) -> PublishedTable:
    return PublishedTable(
        LABELS, dict(zip(LABELS, first, strict=True)), dict(zip(LABELS, second, strict=True))
    )


def test_a_claim_that_the_counts_do_not_allow_is_called_a_contradiction() -> None:
    ct = published((3, 17, 0), (2, 18, 0))

    claim = check_claim("CT called real by both", ct, "real", 3)

    assert not claim.feasible
    assert "contradicts" in claim.sentence
    assert "0 to 2" in claim.sentence
    assert check_claim("CT called fake by both", ct, "fake", 15).feasible


def test_the_kappa_of_the_reconstructions_lies_in_the_bounds() -> None:
    xray = published((14, 4, 2), (10, 10, 0))

    low, high = xray.kappa_range or (1, 0)

    kappas = xray.with_agreed(real=5).kappas()
    assert [round(kappa, 3) for kappa in kappas if kappa is not None] == [-0.273, -0.364]
    assert all(low <= kappa <= high for kappa in kappas if kappa is not None)
    assert len(xray.tables()) > len(kappas)


def test_counts_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="same number of images"):
        published((14, 4, 2), (10, 9, 0)).cell_range("real", "real")


def test_what_cannot_happen_has_no_range() -> None:
    impossible = published((14, 4, 2), (10, 10, 0)).with_agreed(unsure=1)

    assert not impossible.feasible
    assert impossible.cell_range("real", "real") is None
    assert impossible.tables() == []
    assert "no table fits" in check_claim("both real", impossible, "real", 5).sentence


def test_a_table_of_thousands_is_answered_at_once_and_not_listed() -> None:
    big = Part(
        "Large",
        {"real": 1400, "fake": 1000, "unsure": 600},
        {"real": 1000, "fake": 1300, "unsure": 700},
        {"real": 500, "fake": 400, "unsure": 100},
    )

    started = time.process_time()
    sentence = check(big).fits

    assert time.process_time() - started < 5
    assert "too many tables fit to list, with κ from" in sentence
