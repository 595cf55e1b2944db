"""The agreement report: its shape, and a sentence wherever a number does not exist."""

import json
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from pool.canonical.typed_json import as_json
from rating.statistics import LABELS, RatingsTable, agreement_report, counts, notes
from rating.statistics.agreement.report import counts_by_group

pytestmark = pytest.mark.filterwarnings("error")

CHANCE_CORRECTED = ("fleiss_kappa", "krippendorff_alpha")


def table(**ratings: str) -> RatingsTable:
    """A table of raters by name: one letter per image, r(eal), f(ake), u(nsure), or . for not rated."""
    word = {"r": "real", "f": "fake", "u": "unsure", ".": ""}
    rows = [
        (rater, f"I{place:03}", word[letter])
        for rater, letters in ratings.items()
        for place, letter in enumerate(letters)
    ]
    return RatingsTable.from_rows(rows)


def agreement_json(ratings: RatingsTable) -> dict[str, Any]:
    """The report as `lungrater agreement --json` prints it."""
    report: dict[str, Any] = as_json(agreement_report(ratings))
    return report


def undefined_numbers(part: Any) -> Iterator[dict[str, Any]]:
    """Every estimate of a report whose value is missing."""
    for value in part["coefficients"].values():
        if value["estimate"] is None:
            yield value
    for pair in part["pairs"]:
        if pair["cohen_kappa"] is None:
            yield pair
    for group in part.get("by", {}).values():
        yield from undefined_numbers(group)


DEGENERATE = {
    "no ratings": RatingsTable.from_rows([]),
    "one rater": table(A="rrffu"),
    "no image rated twice": table(A="rf..", B="..rf"),
    "one image": table(A="r", B="f"),
    "one image, agreed": table(A="r", B="r"),
    "one label only": table(A="ffff", B="ffff", C="ffff"),
    "perfect agreement": table(A="rfruf", B="rfruf"),
    "never agreed": table(A="rfrfr", B="frfrf"),
    "a rater with one label": table(A="rrrrr", B="rfrfu", C="rffuu"),
    "one image rated twice": table(A="rf.", B="r.u"),
    "the same split on every image": table(A="rrr", B="rrr", C="fff"),
    "a pair that never met": table(A="rf..", B="rfrf", C="..rf"),
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_a_degenerate_study_gets_sentences_instead_of_numbers(name: str) -> None:
    report = agreement_json(DEGENERATE[name])

    json.dumps(report, allow_nan=False)
    for undefined in undefined_numbers(report):
        assert undefined["se"] is None
        assert undefined["reason"].endswith(".")


@pytest.mark.parametrize("name", ["no ratings", "one rater", "no image rated twice"])
def test_nothing_is_defined_without_two_ratings_of_one_image(name: str) -> None:
    report = agreement_json(DEGENERATE[name])

    assert all(value["estimate"] is None for value in report["coefficients"].values())


def test_one_label_only_leaves_kappa_undefined_and_ac1_one_without_error() -> None:
    found = agreement_json(DEGENERATE["one label only"])["coefficients"]

    for name in (*CHANCE_CORRECTED, "light_kappa"):
        assert found[name]["estimate"] is None
    assert found["gwet_ac1"]["estimate"] == 1
    assert found["gwet_ac1"]["se"] is None
    assert found["percent_agreement"]["estimate"] == 1


def test_perfect_agreement_has_the_exact_bound_not_an_interval_of_no_width() -> None:
    found = agreement_json(DEGENERATE["perfect agreement"])["coefficients"]

    for name in ("cohen_kappa", "gwet_ac1", *CHANCE_CORRECTED):
        assert found[name]["estimate"] == pytest.approx(1)
        assert found[name]["se"] is None
        assert found[name]["ci"][0] < 0.3
    assert found["percent_agreement"]["ci"] == pytest.approx([0.025 ** (1 / 5), 1])


def test_two_raters_get_cohen_and_a_warning_and_three_get_light() -> None:
    two = agreement_report(table(A="rfrfuurffr", B="rffruurfff"))
    three = agreement_report(table(A="rfrf", B="rffr", C="rfru"))

    assert "cohen_kappa" in two.coefficients
    assert "light_kappa" in three.coefficients
    assert any("these two raters only" in note for note in notes(two))
    assert "cohen_kappa" not in three.coefficients


def test_a_pair_with_few_common_images_is_marked_and_shows_n() -> None:
    report = agreement_json(table(A="rfrfuurff", B="rffruurff"))

    assert report["pairs"][0]["n"] == 9
    assert report["pairs"][0]["cohen_kappa"] is not None
    assert "Only 9 images" in report["pairs"][0]["reason"]


def test_each_group_of_images_is_reported_apart() -> None:
    rows = [
        (rater, f"{modality}{n}", label, modality)
        for rater, shift in (("A", 0), ("B", 1))
        for modality in ("xray", "ct")
        for n, label in enumerate((LABELS * 3)[shift : shift + 5])
    ]

    report = agreement_json(RatingsTable.from_rows(rows))

    assert list(report["by"]) == ["ct", "xray"]
    assert report["images"] == 10
    assert report["by"]["ct"]["images"] == 5
    assert set(report["by"]["ct"]) == set(report) - {"by"}


def test_counts_are_by_rater_and_by_any_grouping_of_the_images() -> None:
    labels = table(A="rrfu", B="ff.r")

    assert counts(labels) == {
        "A": {"real": 2, "fake": 1, "unsure": 1},
        "B": {"real": 1, "fake": 2, "unsure": 0},
    }
    by_truth = counts_by_group(labels, ["real", "fake", "real", "fake"])
    assert by_truth["fake"]["A"] == {"real": 1, "fake": 0, "unsure": 1}
    assert counts_by_group(labels, {"I000": "real"})["real"]["B"]["fake"] == 1


def test_a_million_ratings_take_less_than_four_seconds_of_a_processor() -> None:
    rng = np.random.default_rng(7)
    codes = rng.integers(0, 3, (200, 10_000), dtype=np.int8)
    codes[rng.random(codes.shape) < 0.5] = -1
    raters = tuple(f"R{n}" for n in range(200))
    big = RatingsTable(raters, tuple(f"I{n}" for n in range(10_000)), LABELS, codes)

    started = time.process_time()
    report = agreement_report(big)

    assert time.process_time() - started < 4
    assert len(report.pairs) == 19_900
    assert abs(report.coefficients["light_kappa"].estimate or 1) < 0.01
