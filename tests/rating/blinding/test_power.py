"""Green is never for want of images: beside each verdict stands which leak it would have seen."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
from scipy import stats

from bench.leaks import by_counts, by_own_auc
from rating.blinding.audit import BlindingAudit
from rating.blinding.checks import NATIVE_SIZES, Examined, check_patients
from rating.blinding.confounds import NAME as KINDS_OF_IMAGES
from rating.blinding.containers import CHUNKS, Container
from rating.blinding.findings import Finding, FindingJSON, Leak, Power, Verdict, in_words
from rating.blinding.power import AUCS, TABLE, power_of, with_power

CONTAINER = Container(8, 8, 8, 0, CHUNKS, 0)
GREEN = Finding("Brightness and contrast", Verdict.GREEN, "Nothing was seen.")


def test_green_of_few_images_is_unknown_and_says_what_would_have_been_seen() -> None:
    finding = with_power(GREEN, 12, 12)

    assert finding.verdict == Verdict.UNKNOWN
    assert finding.power is not None
    assert finding.power.each == 10
    assert "With 10 images of each arm it would have seen a leak of AUC 0.6 in" in finding.reason


def test_green_of_many_images_stays_green_with_its_power() -> None:
    finding = with_power(GREEN, 400, 400)

    assert finding.verdict == Verdict.GREEN
    assert finding.power is not None
    assert [leak.auc for leak in finding.power.leaks] == list(AUCS)


@pytest.mark.parametrize("verdict", [Verdict.RED, Verdict.AMBER])
def test_an_alarm_stays_an_alarm_however_few_images_there_are(verdict: Verdict) -> None:
    finding = with_power(Finding(GREEN.check, verdict, "They differ."), 12, 12)

    assert (finding.verdict, finding.reason) == (verdict, "They differ.")


def test_a_check_without_a_simulation_and_an_arm_alone_have_no_power() -> None:
    assert with_power(Finding("Headers and metadata", Verdict.GREEN, "All alike."), 12, 12).power is None
    assert power_of(GREEN.check, 0, 100) is None


def test_arms_of_unlike_size_count_as_their_harmonic_mean() -> None:
    assert power_of(GREEN.check, 25, 400) == power_of(GREEN.check, 40, 40)  # 47


def test_less_than_the_smallest_simulation_sees_nothing() -> None:
    power = power_of(GREEN.check, 5, 5)

    assert power == Power(5, tuple(Leak(auc, 0.0) for auc in AUCS))
    assert power is not None
    assert power.is_too_low


def test_the_table_holds_what_the_exact_test_of_counts_gives() -> None:
    shares = json.loads(TABLE.read_text())["shares"]["Letters burned in"]

    alike = np.asarray(stats.binom.pmf(range(11), 10, 0.8))  # of ten, eight and two marked on average
    share = sum(
        alike[a] * alike[b]
        for a in range(11)
        for b in range(11)
        if stats.fisher_exact(np.array([[10 - a, a], [b, 10 - b]])).pvalue < 0.01
    )
    assert shares["10"][2] == pytest.approx(share, abs=1e-3)
    assert by_counts(10, 0.8, 0) == pytest.approx(share, abs=1e-3)


def test_kinds_of_few_images_are_unknown_and_of_many_green() -> None:
    green = Finding(KINDS_OF_IMAGES, Verdict.GREEN, "No finding stands in one arm more often.")

    assert with_power(green, 12, 12).verdict == Verdict.UNKNOWN
    assert with_power(green, 60, 60).verdict == Verdict.GREEN


def test_what_is_so_by_construction_is_no_test_that_could_have_missed_it() -> None:
    shrunk = Finding(NATIVE_SIZES, Verdict.GREEN, "Both arms are shrunk.", by_construction=True)

    assert with_power(shrunk, 5, 5) == shrunk


def test_the_bar_of_native_sizes_is_passed_by_luck_as_often_as_counting_all_orders_says() -> None:
    sums = np.zeros((11, 156))  # of how many ranks, their sum
    sums[0, 0] = 1
    for rank in range(1, 21):
        for chosen in range(10, 0, -1):
            sums[chosen, rank:] += sums[chosen - 1, :-rank]
    areas = (np.arange(156) - 55) / 100
    luck = float(sums[10][np.maximum(areas, 1 - areas) > 0.6].sum() / sums[10].sum())

    assert by_own_auc(10, 0.5, 0) == pytest.approx(luck, abs=0.03)


def test_every_row_of_the_table_sees_a_plain_leak_at_its_largest_size() -> None:
    table = json.loads(TABLE.read_text())["shares"]

    assert all(sizes["400"][2] > 0.95 for sizes in table.values())
    assert all(sizes["400"][0] <= sizes["400"][1] <= sizes["400"][2] for sizes in table.values())


def test_a_stored_finding_is_printed_with_its_power_once() -> None:
    few, many = (json.loads(json.dumps(asdict(with_power(GREEN, each, each)))) for each in (12, 400))
    older: FindingJSON = {"check": "intensity", "verdict": "green", "reason": "Of an older version."}

    assert in_words(few).count("it would have seen") == 1
    assert in_words(many).count("it would have seen") == 1
    assert in_words(older) == "Of an older version."
    assert BlindingAudit(findings=[many]).findings[0]["power"]["each"] == 400


def test_without_keys_the_same_patient_is_seen_by_image_where_images_are_as_alike_as_copies() -> None:
    images = [keyless("I1", synthetic=False), keyless("I2", synthetic=True), keyless("I3", synthetic=True)]

    alike = check_patients(images, [("I2", "I1", True, False), ("I2", "I3", True, True)])
    apart = check_patients(images, [("I2", "I3", True, True)])

    assert (alike.verdict, alike.leave_out) == (Verdict.RED, ["I2"])
    assert apart.verdict == Verdict.UNKNOWN
    assert "another exposure of a patient is not known by its image" in apart.reason


def keyless(code: str, *, synthetic: bool) -> Examined:
    return Examined(code, synthetic, True, CONTAINER, (0.0, 0.0, 0.0), (8, 8, 8))


def test_a_page_says_once_what_a_check_would_have_seen() -> None:
    unknown, green = (asdict(with_power(GREEN, count, count)) for count in (12, 400))
    audit = BlindingAudit(findings=[json.loads(json.dumps(finding)) for finding in (unknown, green)])

    assert [finding["reason"].count("would have seen a leak") for finding in audit.findings_in_words] == [
        1,
        1,
    ]
