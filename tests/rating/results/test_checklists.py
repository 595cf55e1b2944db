"""Reporting checklists: the numbers of the published lists, and answers that say no more than the data."""

from dataclasses import replace

import pytest

from rating.results.exhibit import Table
from rating.results.report.checklist_core import ANSWERS, PERSON, Context, in_words
from rating.results.report.checklists import answer_to, checklist_table, checklists, is_open
from rating.results.report.methods_text import methods_text
from rating.results.study_facts import StudyFacts
from rating.results.summary import study_results
from rating.statistics.estimate import Estimate
from rating.studies.statements import TOPICS
from tests.rating.statistics.studies import simulated

ROWS = {"CLAIM": 44, "STARD": 34, "STARD-AI": 48, "GRRAS": 15, "QAREL": 11, "REFINE": 44, "MI-CLEAR-LLM": 8}
FACTS = StudyFacts(
    name="Study",
    state="unblinded",
    design="single",
    sought="real",
    is_unblinded=True,
    canvas=512,
    bits=8,
    sessions=1,
    washout_days=14,
    repeats=0,
    blocks=1,
    instructions="Look.",
    prevalence_note="",
    primary_endpoint="Fool rate",
    unsure_policy="wrong",
    margin=None,
    manifest_sha256="0" * 64,
    seed=1,
    order_version="order 1",
    opened="2026-02-02",
    closed="2026-02-03",
    raters={"invited": 3, "started": 3, "finished": 3},
    images=[],
    exclusions=[],
    generators=None,
    profiles={},
    years="",
    audit=[],
    audit_verdict="green",
    audit_overridden=False,
    going_back="last",
    repeat_gap=20,
    burned_in="keep",
    ask_confidence=False,
    second_questions=[],
    slices=1,
    lets_mark=False,
    clues="",
    frozen="2026-02-01",
    sources=[],
    simulated=False,
    statements={},
    displays=[],
)


def answer(standard, item, facts=FACTS, columns=None):
    results = study_results(columns or simulated())
    (asked,) = (row for row in checklists()[standard].items if row.id == item)
    return answer_to(asked, Context(facts, results))


@pytest.mark.parametrize(("standard", "rows"), ROWS.items())
def test_each_list_has_every_number_once(standard, rows):
    ids = [item.id for item in checklists()[standard].items]

    assert len(ids) == len(set(ids)) == rows


def test_numbers_that_an_editor_compares_are_those_of_the_editions():
    asks = {item.id: item.asks.lower() for item in checklists()["CLAIM"].items}

    assert "failure" in asks["39"]
    assert "performance" in asks["38"]
    assert "how large the test set" in asks["21"]


def test_every_answer_that_an_item_names_is_there_and_none_is_left_over():
    used = {item.answer for checklist in checklists().values() for item in checklist.items if item.answer}

    assert used == set(ANSWERS)


@pytest.mark.parametrize("overridden", [True, False])
def test_a_red_audit_is_no_yes_to_blindness(overridden):
    red = replace(FACTS, audit_verdict="red", audit_overridden=overridden)

    words = answer("QAREL", "5", red)

    assert words.startswith("Unclear: the blinding audit was red")
    assert ("overrode" in words) is overridden
    assert answer("QAREL", "5").startswith("Yes")
    assert answer("QAREL", "5", replace(FACTS, audit_verdict="")).startswith("Unclear")


def test_with_one_generator_and_one_modality_nothing_is_called_compared():
    columns = simulated()
    one = replace(
        columns,
        modality=("xray",) * len(columns.images),
        generator=tuple("lungs" if name else "" for name in columns.generator),
    )

    assert "differences" not in answer("STARD", "17", columns=one)
    assert "differences" in answer("STARD", "17")


def test_without_a_record_of_what_made_the_fakes_a_person_must_write_it():
    dashes = Table(("Generator", "Images", "Engine"), [["lungs", 20, None]])

    assert answer("CLAIM", "22", replace(FACTS, generators=dashes)) == PERSON
    filled = Table(("Generator", "Images", "Engine"), [["lungs", 20, "diffusion"]])
    assert "What made the fakes" in answer("CLAIM", "22", replace(FACTS, generators=filled))


def test_an_estimate_without_interval_comes_with_the_reason():
    assert (
        in_words("Fool rate", Estimate(0.5, reason="One image."))
        == "Fool rate 0.500 (no interval). One image."
    )


def test_the_checklist_has_the_number_of_the_exhibits():
    results = study_results(simulated())

    rate = results.known_truth.fool_rate.primary
    assert in_words("Fool rate", rate)[:-1] in answer("STARD", "24")


@pytest.mark.parametrize("rule", ["none", "last", "any"])
def test_going_back_is_the_rule_of_the_study(rule):
    words = {"none": "could not go back", "last": "their last answer", "any": "any answer"}

    assert words[rule] in answer("QAREL", "4", replace(FACTS, going_back=rule))


def test_lists_of_machines_are_printed_only_where_one_rated():
    table = checklist_table(FACTS, study_results(simulated()))

    assert {row[0] for row in table.rows} == {"GRRAS", "QAREL", "STARD", "CLAIM"}
    assert any("numbers checked on 2026" in note for note in table.notes)


def test_every_item_that_waits_for_a_person_has_a_topic_and_every_topic_an_item():
    items = [item for checklist in checklists().values() for item in checklist.items]

    assert {item.topic for item in items if item.topic} == set(TOPICS)
    assert not [item.id for item in items if not (item.answer or item.topic or item.why_not)]


def test_with_every_topic_written_no_list_waits_for_a_person():
    written = replace(FACTS, statements={topic: f"Of {topic}." for topic in TOPICS})
    results = study_results(simulated())

    waiting = [
        (standard, item.id)
        for standard, checklist in checklists().items()
        for item in checklist.items
        if is_open(answer_to(item, Context(written, results)))
    ]
    table = checklist_table(written, results)

    assert waiting == []
    assert "CLAIM: 0 of 44 items wait for a person." in table.notes


def test_a_statement_stands_where_the_record_ends_and_nowhere_else():
    funded = replace(FACTS, statements={"funding": "Paid by the ministry, which had no part in it."})

    assert answer("CLAIM", "44", funded) == answer("STARD", "30", funded) == funded.statements["funding"]
    assert answer("CLAIM", "34", funded) == PERSON
    planned = replace(FACTS, statements={"sample_size": "Half-width .05 at a fool rate of .5."})
    assert answer("GRRAS", "6", planned).endswith("Why so many: Half-width .05 at a fool rate of .5.")


def test_the_methods_paragraph_names_the_method_that_each_number_has():
    results = study_results(simulated())
    paragraph = " ".join(methods_text(FACTS, results))

    for average in (results.known_truth.fool_rate, results.known_truth.auc.u_statistic):
        assert average.primary_method in paragraph


def test_the_methods_paragraph_of_two_raters_speaks_of_these_two():
    results = study_results(simulated(raters=2))
    paragraph = " ".join(methods_text(FACTS, results))

    assert "these raters: images sampled, raters fixed" in paragraph
    assert "U-statistic" not in paragraph


def test_no_equivalence_is_claimed_to_be_tested_that_was_refused():
    results = study_results(simulated(), endpoint="accuracy", policy="wrong", margin=0.1)
    refused = replace(
        results,
        truth=replace(
            results.known_truth,
            equivalence=replace(
                results.known_truth.equivalence, tests=results.known_truth.equivalence.tests[:1]
            ),
        ),
    )

    paragraph = " ".join(methods_text(replace(FACTS, margin=0.1, primary_endpoint="Accuracy"), refused))

    assert "Equivalence was not tested against the declared margin of 0.1" in paragraph
    assert "Equivalence was tested by" not in paragraph
