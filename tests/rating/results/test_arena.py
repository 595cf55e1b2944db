"""What comes of an arena: numbers, pages, report and files."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import zipfile

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.membership.models import Part
from rating.reading.simulation import Readers, simulate
from rating.results.build_report import results_of
from rating.results.export.ratings_csv import csv_lines, rating_facts
from rating.results.questions import EXHIBITS
from rating.results.report.checklists import checklist_table
from rating.results.report.methods_text import methods_text
from rating.results.study_facts import facts_of
from tests.rating.arenas import REAL, answer_arena, draft_arena, open_arena
from tests.rating.bundles import bundle
from tests.rating.cast import organiser

ORDER = {REAL: 3, "A": 2, "B": 1}


@pytest.fixture
def over(rater, other_rater):
    """Three generators of 8 images, so 4 pairs of every two."""
    study = open_arena(
        counts={"A": 8, "B": 8, REAL: 8}, raters=[rater, other_rater], contender="A", opponent=REAL
    )
    answer_arena(study, rater, ORDER, ties=2, wrong=4)
    answer_arena(study, other_rater, ORDER, wrong=5)
    study.close(organiser())
    study.unblind(organiser(), "All have finished.")
    return study


@pytest.mark.django_db
def test_the_numbers_are_those_of_the_answers(over):
    results = results_of(over)

    arena = results.arena
    assert arena is not None
    assert arena.standing is not None
    assert (arena.answers, arena.pairs, arena.ties) == (24, 12, 2)
    numbers = {row.generator: row for row in arena.standing.strengths.strengths}
    assert sum(row.chosen for row in numbers.values()) == 22
    assert {row.answers for row in numbers.values()} == {16}
    for row in arena.standing.strengths.contests:
        assert row.first_chosen + row.second_chosen + row.tied == 8
    assert results.primary is not None
    assert results.primary.endpoint == "strength"
    assert "“A” looks more real than “real images”" in results.primary.name
    assert results.primary.method.startswith("Bradley and Terry's model for these raters")
    contest = arena.standing.contest("A", REAL)
    assert contest is not None
    assert results.primary.estimate == contest.these_raters.share
    assert results.truth is None
    assert results.forced_choice is None


@pytest.mark.django_db
def test_before_unblinding_no_page_and_no_file_tells_a_generator(rater, other_rater, client_of, researcher):
    study = open_arena(counts={"A-net": 6, "B-net": 6}, raters=[rater, other_rater])
    answer_arena(study, rater, {"A-net": 1, "B-net": 2}, wrong=2)
    answer_arena(study, other_rater, {"A-net": 1, "B-net": 2}, wrong=1)
    study.close(organiser())
    study.share_with(None, Part.OWNER)
    browser = client_of(researcher)

    pages = [reverse("rating:analysis", args=[study.slug])]
    pages += [reverse("rating:analysis_question", args=[study.slug, name]) for name in ("arena", "agreement")]
    texts = [browser.get(page).content.decode() for page in pages]
    texts.append("".join(csv_lines(study)))

    assert not [text for text in texts if "A-net" in text or "B-net" in text]
    assert "Left, right, and alike" in texts[1]
    assert results_of(study).primary is None


@pytest.mark.django_db
def test_every_page_and_file_of_an_arena_is_there(over, client_of, researcher, tmp_path):
    over.share_with(None, Part.OWNER)
    browser = client_of(researcher)
    results = results_of(over)

    names = [name for name, exhibit in EXHIBITS.items() if exhibit.fits(results)]
    for name in names:
        exhibit = EXHIBITS[name]
        missing = exhibit.why_missing(results)
        assert not missing or not name.startswith("arena"), missing
        if missing:
            continue
        table = exhibit.table(results)
        assert all(len(row) == len(table.columns) for row in table.rows)
    for question in ("arena", "agreement", "time"):
        page = browser.get(reverse("rating:analysis_question", args=[over.slug, question]))
        assert page.status_code == 200
    overview = browser.get(reverse("rating:analysis", args=[over.slug])).content.decode()
    assert "Do they agree?" in overview
    assert "Can they tell?" not in overview  # no question of an arena stands under it
    report = browser.get(reverse("rating:report", args=[over.slug, "html"])).content.decode()
    with zipfile.ZipFile(io.BytesIO(bundle(over, "2026-01-31"))) as archive:
        archive.extractall(tmp_path)
        files = set(archive.namelist())

    assert {"arena-strengths", "arena-contests", "arena-wins", "arena-scale", "arena-sides"} <= set(names)
    assert "Which looks more real?" in report
    assert "ratings.csv" in files
    ran = subprocess.run(
        [sys.executable, str(tmp_path / "recompute.py")], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "arena" in ran.stdout


@pytest.mark.django_db
def test_rows_name_generators_by_letter_and_hold_no_truth(over):
    rows = list(csv.DictReader(io.StringIO("".join(csv_lines(over)))))
    facts = next(iter(rating_facts(over)))

    assert len(rows) == 24
    assert {row["truth"] for row in rows} == {""}
    assert {row["label"] for row in rows} == {"a", "b", "tie"}
    assert {row["place"] for row in rows if row["label"] == "tie"} == {""}
    assert {part for row in rows for part in row["generator"].split("; ")} == {"A", "B", REAL}
    assert len(facts["generator"] or ()) == 2


@pytest.mark.django_db
def test_the_report_claims_of_an_arena_only_what_was_done(over, capsys):
    facts, numbers = facts_of(over), results_of(over)

    methods = " ".join(methods_text(facts, numbers))
    checklists = " ".join(str(row[3]) for row in checklist_table(facts, numbers).rows)
    call_command("analyse", over.name, "--json")

    assert "Bradley and Terry's model" in methods
    for not_done in (
        "“Unsure”",
        "Wilson",
        "Clopper",
        "Obuchowski",
        "Equivalence was",
        "given once the study",
    ):
        assert not_done not in methods
    for not_there in ("fooled", "ROC curves", "Did they find it"):
        assert not_there not in checklists
    assert json.loads(capsys.readouterr().out)["arena"]["ties"] == 2


@pytest.mark.django_db
def test_simulated_raters_read_an_arena_and_take_real_images_for_more_real():
    study = draft_arena(counts={"A": 20, REAL: 20})

    # The freeze draws the pairs anew each time: at this sensitivity 3 raters choose the generated image
    # in about 12 of 60 answers, so that "never" and "half" are both far out of reach.
    results = results_of(simulate(study, Readers(raters=3, sensitivity=1.2), seed=1))

    assert results.primary is not None
    assert results.primary.estimate.estimate is not None
    assert results.primary.estimate.estimate < 0.45


@pytest.mark.django_db
def test_the_number_of_queries_of_the_numbers_does_not_grow_with_the_pairs(rater):
    counts = []
    for name, each in (("Small", 3), ("Large", 24)):
        study = open_arena(name, {"A": each, "B": each}, raters=[rater])
        answer_arena(study, rater, {"A": 1, "B": 2}, wrong=1)
        study.close(organiser())
        study.unblind(organiser(), "Done.")
        with CaptureQueriesContext(connection) as queries:
            results_of(study)
        counts.append(len(queries))

    assert counts[0] == counts[1]
