"""Every number and figure of a report at once: from known raters, and where little is defined."""

import json
import re
import subprocess
import sys
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pool.canonical.typed_json import as_json
from pool.figure_style import SCREEN, as_file
from rating.results.exhibit import as_text
from rating.results.gallery import galleries
from rating.results.questions import EXHIBITS
from rating.results.sections.primary import sentence
from rating.results.summary import study_results
from rating.statistics.accuracy.unsure import POLICIES
from rating.statistics.agreement.ordered import agreement_on_the_scale
from rating.statistics.columns import StudyColumns
from rating.statistics.mrmc.averages import SOME_CALLS_DO_NOT_COUNT
from rating.statistics.mrmc.moments import NOT_ENOUGH
from tests.rating.statistics.studies import FAKE, REAL, UNSURE, simulated

DEGENERATE: dict[str, dict[str, Any]] = {
    "no raters": {"raters": 0},
    "no images": {"images": 0},
    "one rater": {"raters": 1},
    "two raters": {"raters": 2},
    "one label": {"only": FAKE},
    "only fakes": {"fakes": 1.0},
    "only fakes, one label": {"fakes": 1.0, "only": REAL},
    "only reals": {"fakes": 0.0},
    "perfect": {"right": 1.0},
    "always wrong": {"right": 0.0},
    "small overlap": {"raters": 2, "images": 12, "missing": 0.6},
    "two images": {"images": 2},
    "one image": {"images": 1},
    "one rater, one image": {"raters": 1, "images": 1},
    "all unsure": {"only": UNSURE},
    "one rater, only fakes": {"raters": 1, "fakes": 1.0},
}


@pytest.mark.parametrize("endpoint", ["fool rate", "accuracy"])
@pytest.mark.parametrize("what", DEGENERATE)
def test_no_number_is_nan_and_every_table_is_whole(what, endpoint):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        numbers = study_results(simulated(**DEGENERATE[what]), margin=0.1, endpoint=endpoint)

        json.dumps(as_json(numbers), allow_nan=False)
        for exhibit in EXHIBITS.values():
            why = exhibit.why_missing(numbers)
            assert why is None or re.fullmatch(r"[A-Z].*\.", why)
            if why is None:
                table = exhibit.table(numbers)
                assert all(len(row) == len(table.columns) for row in table.rows)
                assert not re.search(r"\b(nan|inf|None)\b", str(table.display_rows()))
                if exhibit.draw:
                    exhibit.draw(numbers, SCREEN).draw_without_rendering()


def test_every_undefined_estimate_has_a_reason():
    def walk(value):
        if isinstance(value, dict):
            if {"estimate", "reason", "ci"} <= value.keys() and value["estimate"] is None:
                assert value["reason"], value
            for part in value.values():
                walk(part)
        elif isinstance(value, list):
            for part in value:
                walk(part)

    for study in DEGENERATE.values():
        walk(as_json(study_results(simulated(**study))))


def test_known_raters_are_found_within_their_intervals():
    numbers = study_results(simulated(raters=8, images=400, right=0.8, missing=0.3, seed=4)).known_truth

    def holds(found, value):
        low, high = found.ci
        return low <= value <= high

    accuracy = next(row for row in numbers.policies if row.policy == "wrong")
    assert holds(accuracy.accuracy.estimate, 0.8)
    assert holds(numbers.fool_rate.estimate, 0.2)
    assert holds(numbers.auc.u_statistic.estimate, 0.8)
    assert sum(holds(row.fool_rate, 0.2) for row in numbers.per_rater) >= 6


def test_each_average_is_of_the_method_that_its_row_names():
    alone = study_results(simulated(raters=1)).known_truth

    assert alone.fool_rate.estimate.ci  # Wilson's, of this rater only
    assert alone.averages.fool_rate.u_statistic.estimate.ci is None
    assert alone.averages.fool_rate.u_statistic.estimate.reason == NOT_ENOUGH


def test_one_unsure_left_out_is_said_to_be_a_call_that_does_not_count():
    columns = simulated(raters=3)
    columns.label[0] = UNSURE

    averages = study_results(columns, policy="exclude").known_truth.averages

    reasons = [share.or_hillis.estimate.reason for share in (averages.sensitivity, averages.specificity)]
    assert SOME_CALLS_DO_NOT_COUNT in reasons


def verdicts(columns, endpoint, policy):
    tests = study_results(columns, margin=0.1, endpoint=endpoint, policy=policy).known_truth.equivalence.tests
    return {row.of: row.test.equivalent for row in tests}


@pytest.mark.parametrize("policy", ["half", "exclude"])
def test_raters_who_guess_are_within_the_margin_on_the_declared_endpoint_and_able_ones_are_not(policy):
    def of_raters(endpoint, right):
        return verdicts(simulated(raters=10, images=400, fakes=0.3, right=right), endpoint, policy)

    assert of_raters("fool rate", 0.5) == {"fool rate": True, "auc": True}
    assert of_raters("accuracy", 0.5) == {"accuracy": True, "auc": True}
    assert of_raters("agreement", 0.5) == {"auc": True}
    assert of_raters("fool rate", 0.8) == {"fool rate": False, "auc": False}
    assert of_raters("accuracy", 0.8) == {"accuracy": False, "auc": False}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("endpoint", ["accuracy", "fool rate", "auc"])
def test_raters_right_on_seven_in_ten_decided_calls_are_never_within_the_margin(endpoint, policy):
    columns = often_unsure(simulated(raters=8, images=150, right=0.7), 0.28)

    assert not any(verdicts(columns, endpoint, policy).values())


def test_guessers_who_are_often_unsure_are_within_whatever_unsure_counts_as_where_that_can_be_tested():
    columns = often_unsure(simulated(raters=10, images=400, right=0.5), 0.28)

    assert verdicts(columns, "fool rate", "wrong") == {"fool rate": True, "auc": True}
    assert verdicts(columns, "accuracy", "half") == {"accuracy": True, "auc": True}
    assert verdicts(columns, "accuracy", "wrong") == {"accuracy": None, "auc": True}


def test_accuracy_under_a_policy_that_moves_chance_has_the_reason_in_place_of_a_verdict():
    results = study_results(simulated(), margin=0.1, endpoint="accuracy", policy="right")

    assert "depends on how often they are unsure" in str(results.known_truth.equivalence.tests[0].test.reason)


def often_unsure(columns, share):
    rng = np.random.default_rng(5)
    label = np.where(rng.random(len(columns.label)) < share, UNSURE, columns.label)
    return replace(columns, label=label.astype(np.int8))


def test_calling_everything_real_is_no_skill_though_most_images_are_real():
    columns = simulated(raters=6, images=100, fakes=0.2, only=REAL)

    results = study_results(columns, margin=0.1, endpoint="accuracy", policy="half")

    tests = results.known_truth.equivalence.tests
    assert tests[0].of == "accuracy"
    assert tests[0].estimate.estimate == 0.5


def test_on_the_scale_unsure_is_half_way_between_the_others():
    def agreement(second):
        counts = np.zeros((4, 3))
        counts[:2, REAL] += 2
        counts[2:, FAKE] += 1
        counts[2:, second] += 1
        return agreement_on_the_scale(counts)["percent_agreement"].estimate

    assert agreement(FAKE) == 1
    assert agreement(UNSURE) == 0.75
    assert agreement(REAL) == 0.5


def test_a_blinded_study_has_no_number_that_depends_on_the_truth():
    columns = simulated()
    hidden = ("",) * len(columns.images)
    blinded = replace(columns, truth=hidden, generator=hidden, checkpoint=hidden)
    numbers = study_results(blinded)

    assert numbers.truth is None
    assert numbers.times.by_correctness == {}
    assert numbers.order_effects
    assert numbers.order_effects.quarters[0].right is None
    assert list(galleries(blinded)) == ["fake-by-two", "real-by-all", "split", "all"]


def test_columns_survive_a_file_without_pickle(tmp_path):
    columns = simulated(raters=2, images=3)
    columns.save(tmp_path / "columns.npz")

    again = StudyColumns.load(tmp_path / "columns.npz")

    assert again.raters == columns.raters
    assert again.truth == columns.truth
    assert np.array_equal(again.label, columns.label)
    assert np.array_equal(again.fid, columns.fid, equal_nan=True)


def test_a_part_numbers_its_images_anew():
    columns = simulated(raters=2, images=6)
    wanted = np.array([name == "ct" for name in columns.modality])

    part = columns.only(images=wanted)

    assert part.images == ("I0001", "I0003", "I0005")
    assert np.array_equal(part.table().codes, columns.table().codes[:, wanted])


@pytest.mark.parametrize("kind", ["svg", "pdf", "png"])
def test_the_same_drawing_gives_the_same_bytes(kind):
    numbers = study_results(simulated())
    draw = EXHIBITS["agreement"].draw
    assert draw

    assert as_file(draw(numbers, SCREEN), kind) == as_file(draw(numbers, SCREEN), kind)


def test_the_web_process_loads_neither_statistics_nor_figures_to_start():
    heavy = ("scipy.stats", "scipy.optimize", "statsmodels", "matplotlib", "typst", "pandas", "sklearn")
    program = (
        "import sys; import lungrater.wsgi; from django.urls import get_resolver; get_resolver().url_patterns; "
        f"print(*(name for name in {heavy!r} if name in sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""


def test_quarters_hold_equal_numbers_though_practice_images_came_first():
    columns = simulated(raters=3, images=48)
    columns = replace(columns, position=columns.position + 12)

    effects = study_results(columns).order_effects

    assert effects
    assert [row.ratings for row in effects.quarters] == [36, 36, 36, 36]


def test_a_difference_of_shares_stays_between_minus_one_and_one():
    columns = simulated(raters=3, images=6, seed=3)
    results = study_results(columns)

    effects = results.order_effects
    assert effects
    for share in (effects.right, results.known_truth.experience.ai_knowledge):
        low, high = (share.ci if share else None) or (0, 0)
        assert -1 <= low <= high <= 1


def test_nothing_is_printed_as_minus_nought():
    assert as_text(-0.0001) == "0.000"


@pytest.mark.parametrize(
    ("endpoint", "of"),
    [
        ("fool rate", lambda results: results.known_truth.fool_rate.primary),
        ("auc", lambda results: results.known_truth.auc.u_statistic.primary),
        ("accuracy", lambda results: results.known_truth.policy("half").accuracy.primary),
        ("agreement", lambda results: results.agreement.coefficients["krippendorff_alpha"]),
    ],
)
def test_the_declared_endpoint_comes_first_with_interval_n_method_and_verdict(endpoint, of):
    results = study_results(simulated(raters=6), margin=0.1, endpoint=endpoint, policy="half")

    assert results.primary
    assert results.primary.estimate == of(results)
    assert (results.primary.raters, results.primary.images) == (6, 20 if endpoint == "fool rate" else 40)
    words = sentence(results)
    assert words.startswith("Declared primary result.")
    assert results.primary.method in words
    assert results.primary.verdict in words
    assert list(as_json(results))[-1] == "primary"
