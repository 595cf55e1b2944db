"""What comes of a forced choice: numbers, pages, report and files of pairs."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import uuid
import zipfile

import pytest
from django.core.management import call_command
from django.urls import reverse

from rating.models import Rating
from rating.reading.simulation import Readers, simulate
from rating.results.build_report import results_of
from rating.results.export.ratings_csv import csv_lines
from rating.results.fool_rates_by_dataset import fool_rates
from rating.results.query import read_columns
from rating.results.questions import EXHIBITS
from rating.results.report.checklists import checklist_table
from rating.results.report.methods_text import methods_text
from rating.results.study_facts import facts_of
from rating.statistics.accuracy.forced_choice import forced_choice
from rating.studies.presets import TEMPLATES
from tests.rating.bundles import bundle
from tests.rating.cast import draft_study, open_study, organiser, presentations
from tests.rating.studies.test_forced_choice import PAIRS, place_of_the_sought


def rated(study, rater, right):
    """Choose the image looked for in the first `right` sets, another place in the rest."""
    for number, shown in enumerate(presentations(study, rater)):
        place = place_of_the_sought(shown)
        size = len(shown.places)
        Rating.record(
            shown, uuid.uuid4(), label=str(place if number < right else place % size + 1), remark="ribs"
        )


@pytest.fixture
def over(rater, other_rater):
    study = open_study(raters=[rater, other_rater], real=10, fake=10, **PAIRS)
    rated(study, rater, 9)
    rated(study, other_rater, 5)
    study.close(organiser())
    study.unblind(organiser(), "All have finished.")
    return study


@pytest.mark.django_db
def test_the_analysis_counts_what_was_found_against_guessing(over):
    choice = results_of(over).forced_choice

    assert choice
    assert choice.accuracy
    first, second = choice.accuracy.raters
    assert (first.right, first.n, first.share.estimate) == (9, 10, 0.9)
    # Clopper & Pearson for 9 of 10, and the two-sided binomial p: 2 × (10 + 1) / 2^10.
    assert first.share.ci == pytest.approx((0.55498, 0.99747), abs=1e-5)
    assert first.p == pytest.approx(22 / 1024)
    assert second.p == 1
    assert choice.accuracy.over_raters.estimate.estimate == pytest.approx(0.7)
    assert sum(row.right for row in choice.accuracy.by_place) == 14
    assert first.d
    assert second.d
    assert (first.d.estimate or 0) > (second.d.estimate or 0)


@pytest.mark.django_db
def test_the_report_claims_of_sets_only_what_was_done_with_them(over):
    facts, numbers = facts_of(over), results_of(over)

    methods = " ".join(methods_text(facts, numbers))
    answers = {row[1]: str(row[3]) for row in checklist_table(facts, numbers).rows if row[0] == "STARD"}
    checklists = " ".join(str(row[3]) for row in checklist_table(facts, numbers).rows)

    assert "20 ratings of 10 sets are analysed" in methods
    assert "Clopper and Pearson's interval" in methods
    for not_done in ("“Unsure”", "Wilson", "Obuchowski", "Generators and modalities", "Equivalence was"):
        assert not_done not in methods
    for not_there in ("olicies", "By modality", "ROC curves", "How often each rater was fooled", "fooled"):
        assert not_there not in checklists
    assert answers["15"].startswith("Does not arise: forced choice.")
    assert answers["24"].startswith("Share of sets in which the image was found 0.700 (")


@pytest.mark.django_db
def test_d_prime_of_pairs_is_that_of_two_alternatives(rater):
    study = open_study(raters=[rater], real=10, fake=10, **PAIRS)
    for shown in presentations(study, rater):
        Rating.record(shown, uuid.uuid4(), label="1")
    study.close(organiser())
    study.unblind(organiser(), "Done.")

    numbers = forced_choice(read_columns(study), 1)

    assert numbers.accuracy
    row = numbers.accuracy.raters[0]
    assert row.right == 5
    assert row.d
    assert row.d.estimate == pytest.approx(0)
    assert row.bias
    assert (row.bias.estimate or 0) < -1  # always left
    assert numbers.places[0].chosen == (10, 0)
    assert numbers.places[0].p == pytest.approx(2 / 1024)


@pytest.mark.django_db
def test_galleries_show_each_set_with_its_images_and_who_chose_which(over, client_of, researcher):
    browser = client_of(researcher)
    columns = read_columns(over)
    letters = dict(zip(columns.images, columns.truth, strict=True))
    chosen: dict[str, list[str]] = {code: [] for code in letters}
    for rater, image, label in zip(columns.rater, columns.image, columns.label, strict=True):
        chosen[columns.images[image]].append(f"{columns.raters[rater]} {columns.labels[label]}")
    missed = {code for code, said in chosen.items() if any(one.split()[1] != letters[code] for one in said)}

    address = reverse("rating:analysis_images", args=[over.slug])
    shown = browser.get(address, {"show": "missed"}).content.decode()
    split = browser.get(address, {"show": "split"}).content.decode()

    cards = shown.split("<figure>")[1:]
    assert {re.search(r"of set (\w+)", card).group(1) for card in cards} == missed
    for card in cards:
        code = re.search(r"of set (\w+)", card).group(1)
        assert card.count("<img") == 2
        assert f"looked for: {letters[code]}" in card
        sought = card.split(f'alt="Image {letters[code]} of')[0].rsplit("<img", 1)[1]
        assert 'class="sought"' in sought
        assert card.count('class="sought"') == 1
        assert all(said in card for said in chosen[code])
    assert split.count("<figure>") == sum(
        len({one.split()[1] for one in said}) > 1 for said in chosen.values()
    )


@pytest.mark.django_db
def test_the_report_and_the_bundle_have_the_galleries_of_sets(over):
    with zipfile.ZipFile(io.BytesIO(bundle(over, "2026-01-31"))) as archive:
        report = archive.read("report.html").decode()
        rows = list(csv.DictReader(io.StringIO(archive.read("galleries.csv").decode())))
        images = {name for name in archive.namelist() if name.startswith("images/")}

    assert {row["gallery"] for row in rows} == {"missed", "split"}
    first = next(row for row in rows if row["gallery"] == "missed")
    assert int(first["a"]) == first["labels"].count(" a")
    assert f'alt="Image {first["image"]}"' in report
    assert "looked for: " in report
    assert len(images) % 2 == 0
    assert f"images/{first['image']}.png" in images


@pytest.mark.django_db
def test_every_page_and_file_of_a_forced_choice_is_there(over, client_of, researcher, tmp_path):
    browser = client_of(researcher)
    for name, argument in (
        *(("analysis_question", name) for name in ("found", "agreement", "time")),
        ("report", "html"),
        ("report", "pdf"),
    ):
        assert browser.get(reverse(f"rating:{name}", args=[over.slug, argument])).status_code == 200
    overview = browser.get(reverse("rating:analysis", args=[over.slug])).content.decode()
    assert reverse("rating:analysis_question", args=[over.slug, "found"]) in overview
    assert "20 ratings by 2 raters of 10 sets." in overview
    question_page = browser.get(
        reverse("rating:analysis_question", args=[over.slug, "found"])
    ).content.decode()
    assert "Did they find it?" in question_page
    assert "Which images?" in question_page
    assert "How often were raters fooled?" not in question_page
    assert browser.get(reverse("rating:analysis_remarks", args=[over.slug])).status_code == 200

    with zipfile.ZipFile(io.BytesIO(bundle(over, "2026-01-01"))) as files:
        files.extractall(tmp_path)
    checked = subprocess.run(
        [sys.executable, tmp_path / "recompute.py"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "found R01" in checked.stdout


@pytest.mark.django_db
def test_the_csv_has_one_row_per_set_and_agreement_reads_it(over, tmp_path, capsys):
    file = tmp_path / "ratings.csv"
    file.write_text("".join(csv_lines(over)))

    call_command("agreement", str(file), "--labels", "a,b", "--json")

    report = json.loads(capsys.readouterr().out)
    assert (report["raters"], report["images"], report["ratings"]) == (2, 10, 20)
    with file.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    first = [row for row in rows if row["rater"] == "R01"]
    assert sum(row["label"] == row["truth"] for row in first) == 9
    assert all(row["places"][int(row["place"]) - 1] == row["label"] for row in rows)
    assert all(row["members"].split("; ")[0] == row["image"] for row in rows)


@pytest.mark.django_db
def test_what_is_found_is_not_told_before_the_study_is_unblinded(rater):
    study = open_study(raters=[rater], **PAIRS)
    rated(study, rater, 3)
    study.close(organiser())

    numbers = results_of(study)

    assert numbers.forced_choice
    assert numbers.forced_choice.accuracy is None
    assert numbers.forced_choice.places[0].rater == "R01"
    rows = list(csv.DictReader(io.StringIO("".join(csv_lines(study)))))
    assert {row["truth"] + row["dataset"] for row in rows} == {""}


def share_right(results):
    """The share of sets in which the image was found, over all raters."""
    return results.forced_choice.accuracy.over_raters.estimate.estimate


@pytest.mark.django_db
@pytest.mark.parametrize(("template", "real", "fake"), [("pairs", 20, 20), ("quartets", 10, 30)])
def test_a_rehearsal_recovers_that_raters_see_the_difference(monkeypatch, template, real, fake):
    # Else the freeze draws its sets anew each time: of ten, guessers are now and then right in half.
    monkeypatch.setattr("rating.studies.randomness.secrets.randbits", lambda _bits: 2026)
    study = draft_study(real=real, fake=fake, **TEMPLATES[template].protocol)

    keen = results_of(simulate(study, Readers(raters=3, sensitivity=3.0)))
    blind = results_of(simulate(study, Readers(raters=3, sensitivity=0.0), seed=1))

    assert share_right(keen) > 0.75
    has_d_prime = EXHIBITS["choice-sensitivity"].fits(keen)
    assert has_d_prime == (template == "pairs")
    assert abs(share_right(blind) - 1 / study.set_size) < 0.25


@pytest.mark.django_db
def test_a_forced_choice_gives_no_fool_rate(over):
    assert fool_rates() == {}
