"""Pairs and quartets: several images at a time, one of them looked for."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import uuid
import zipfile
from collections import Counter

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from rating.blinding.freeze_runner import FreezeSteps
from rating.blinding.places import SetInOrder, check_places
from rating.models import Enrolment, Freeze, Presentation, Rating
from rating.reading.machine_raters import enrol_machine
from rating.reading.simulation import Readers, simulate
from rating.results.build_report import results_of
from rating.results.export.bundle import bundle
from rating.results.export.ratings_csv import csv_lines
from rating.results.fool_rates_by_dataset import fool_rates
from rating.results.query import read_columns
from rating.results.questions import EXHIBITS
from rating.results.report.checklists import checklist_table
from rating.results.report.methods_text import methods_text
from rating.results.study_facts import facts_of
from rating.statistics.accuracy.forced_choice import forced_choice
from rating.studies import ordering
from rating.studies.presets import TEMPLATES
from rating.studies.study import NotPossibleError
from tests.rating.cast import draft_study, open_study, organiser, presentations

PAIRS = {"design": "pair", "primary_endpoint": "accuracy"}
QUARTETS = {"design": "quartet", "primary_endpoint": "accuracy"}


def place_of_the_sought(presentation: Presentation) -> int:
    wanted = "real" if presentation.sitting.enrolment.study.sought == "real" else "synthetic"
    return next(
        place
        for place in range(1, len(presentation.places) + 1)
        if presentation.image_at(place).image.origin == wanted
    )


@given(st.integers(0, 2**62), st.integers(0, 60), st.sampled_from([2, 4]))
def test_the_one_looked_for_stands_at_every_place_equally_often(seed, sets, size):
    placed = ordering.placements(sets, size, seed)

    counts = Counter(order.index(0) for order in placed)
    assert all(sorted(order) == list(range(size)) for order in placed)
    assert max(counts.values(), default=0) - min((counts[p] for p in range(size)), default=0) <= 1


def test_over_many_seeds_no_set_favours_a_place():
    stood = Counter(order.index(0) for seed in range(3000) for order in ordering.placements(5, 4, seed)[:1])

    assert all(650 < stood[place] < 850 for place in range(4))


@pytest.mark.django_db
@pytest.mark.parametrize(("design", "real", "fake", "size"), [(PAIRS, 4, 4, 2), (QUARTETS, 3, 9, 4)])
def test_each_set_holds_one_that_is_looked_for_and_every_rater_has_all(
    rater, other_rater, design, real, fake, size
):
    study = open_study(raters=[rater, other_rater], real=real, fake=fake, **design)

    for person in (rater, other_rater):
        shown = presentations(study, person)
        assert len(shown) == real
        seen = [[p.image_at(place) for place in range(1, size + 1)] for p in shown]
        assert sorted(i.code for those in seen for i in those) == sorted(
            study.images.values_list("code", flat=True)
        )
        assert all(
            Counter(i.image.origin for i in those) == {"real": 1, "synthetic": size - 1} for those in seen
        )
        counts = Counter(map(place_of_the_sought, shown))
        assert max(counts.values()) <= -(-real // size)


@pytest.mark.django_db
def test_a_set_goes_by_its_lowest_code_whatever_that_is(rater):
    study = open_study(raters=[rater], real=12, fake=12, **PAIRS)

    heads = study.images.filter(beside=None).select_related("image")

    assert all(head.code < other.code for head in heads for other in head.companions.all())
    assert {head.image.origin for head in heads} == {"real", "synthetic"}


@pytest.mark.django_db
def test_a_repeated_set_comes_back_mirrored(rater):
    study = draft_study(real=12, fake=12, repeats=4, repeat_gap=3, **PAIRS)
    study = opened(study, rater)

    shown = presentations(study, rater)
    first = {p.study_image_id: p.places for p in shown if p.kind == "main"}
    repeats = [p for p in shown if p.kind == "repeat"]

    assert len(repeats) == 4
    assert all(p.places == first[p.study_image_id][::-1] for p in repeats)


def opened(study, *raters):
    from tests.rating.studies.test_two_phases import opened as frozen_and_opened

    study = frozen_and_opened(study, *raters)
    for enrolment in study.enrolments.all():
        enrolment.consent()
    return study


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("protocol", "words"),
    [
        ({**QUARTETS}, "3 real images need 9 others to make sets of 4, not 3"),
        ({**PAIRS, "primary_endpoint": "auc"}, "no AUC or fool rate"),
        ({**PAIRS, "repeats": 3, "repeat_gap": 2}, "do not fit"),
    ],
)
def test_what_makes_no_whole_sets_is_not_frozen(protocol, words):
    (reason,) = draft_study(real=3, fake=3, **protocol).reasons_not_to_freeze()

    assert words in reason


@pytest.mark.django_db
def test_the_places_stand_after_the_freeze(rater):
    study = open_study(raters=[rater], **PAIRS)
    shown = presentations(study, rater)[0]

    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        Presentation.objects.filter(pk=shown.pk).update(places=shown.places[::-1])


@pytest.mark.django_db
def test_each_place_has_its_picture_and_no_other_address_has_one(client_of, rater, other_rater):
    study = open_study(raters=[rater, other_rater], **PAIRS)
    shown, browser = presentations(study, rater)[0], client_of(rater)

    def picture(place, who=browser):
        return who.get(reverse("rating:picture_of_set", args=[shown.token, place]))

    got = [picture(place) for place in (1, 2)]

    with shown.image_at(2).derivative.open("rb") as file:
        assert got[1].content == file.read()
    assert got[0].content != got[1].content
    assert {**got[0].headers, "Content-Length": ""} == {**got[1].headers, "Content-Length": ""}
    nothing = {picture(3).content, picture(0).content, picture(1, client_of(other_rater)).content}
    nothing.add(browser.get(reverse("rating:picture", args=[shown.token])).content)
    assert len(nothing) == 1
    assert picture(3).status_code == 404


@pytest.mark.django_db
def test_without_javascript_a_pair_is_a_page_with_two_pictures_and_a_form(client_of, rater):
    study = open_study(raters=[rater], **PAIRS)
    shown, browser = presentations(study, rater)[0], client_of(rater)

    page = browser.get(
        reverse("rating:read", args=[study.slug]), headers={"accept": "text/html"}
    ).content.decode()
    rate = reverse("rating:rate", args=[study.slug, shown.token])
    answer = {"label": "2", "client_key": str(uuid.uuid4())}
    refused = browser.post(rate, {**answer, "label": "3"}, headers={"accept": "text/html"})
    browser.post(rate, answer, headers={"accept": "text/html"})

    for place in (1, 2):
        assert f'<noscript><img src="{reverse("rating:picture_of_set", args=[shown.token, place])}"' in page
    assert "Which image is real?" in page
    assert "Set 1 of 3" in page
    assert refused.status_code == 422
    assert Rating.objects.get().label == "2"
    assert Rating.objects.get().revisions.get().label == "2"


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
        pictures = {name for name in archive.namelist() if name.startswith("images/")}

    assert {row["gallery"] for row in rows} == {"missed", "split"}
    first = next(row for row in rows if row["gallery"] == "missed")
    assert int(first["a"]) == first["labels"].count(" a")
    assert f'alt="Image {first["image"]}"' in report
    assert "looked for: " in report
    assert len(pictures) % 2 == 0
    assert f"images/{first['image']}.png" in pictures


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
    assert "Did they find it?" in overview
    assert "20 ratings by 2 raters of 10 sets." in overview
    assert "How often were raters fooled?" not in overview
    assert "Which images?" in overview
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
def test_a_rehearsal_recovers_that_raters_see_the_difference(template, real, fake):
    study = draft_study(real=real, fake=fake, **TEMPLATES[template].protocol)

    keen = results_of(simulate(study, Readers(raters=3, sensitivity=3.0)))
    blind = results_of(simulate(study, Readers(raters=3, sensitivity=0.0), seed=1))

    assert share_right(keen) > 0.75
    has_d_prime = EXHIBITS["choice-sensitivity"].fits(keen)
    assert has_d_prime == (template == "pairs")
    assert abs(share_right(blind) - 1 / study.set_size) < 0.25


@pytest.mark.django_db
def test_the_audit_looks_at_the_places(rater):
    study = open_study(raters=[rater], real=12, fake=12, **PAIRS)

    (finding,) = (f for f in study.blinding_audit.findings if f["check"] == "Places in the sets")

    assert finding["verdict"] == "green"


@pytest.mark.parametrize("size", [2, 4])
def test_fair_places_are_green_over_many_studies(size):
    for seed in range(100):
        orders = []
        for rater in range(6):
            placed = [order.index(0) for order in ordering.placements(40, size, 1000 * seed + rater)]
            order = ordering.make_order(placed, seed=1000 * seed + rater)
            orders.append([SetInOrder(placed[showing.item], "main") for showing in order])
        assert check_places(orders, size=size).verdict == "green"


@pytest.mark.parametrize(
    ("leak", "cue"),
    [
        (lambda at: at * 0, "always one place"),
        (lambda at: at % 2, "counting to two"),
        (lambda at: at // 14, "how far the sitting is"),
        (lambda at: (at // 2) % 2, "counting to four"),
    ],
)
def test_places_that_can_be_guessed_are_red(leak, cue):
    finding = check_places([[SetInOrder(leak(at), "main") for at in range(40)]] * 4, size=4)

    assert finding.verdict == "red"
    assert finding.detail["guessed"][cue] > 0.9


@pytest.mark.django_db
def test_a_forced_choice_gives_no_fool_rate(over):
    assert fool_rates() == {}


@pytest.mark.django_db
def test_no_machine_judges_sets(rater):
    class Looker:
        name, facts = "a machine", {}

        def look(self, picture):
            raise AssertionError("it must not be asked")

    with pytest.raises(NotPossibleError, match="one image at a time"):
        enrol_machine(open_study(raters=[rater], **PAIRS), Looker())


@pytest.mark.django_db
def test_a_freeze_killed_between_images_and_sets_goes_on_with_whole_sets(rater, monkeypatch):
    study = draft_study(real=4, fake=4, **PAIRS)
    Enrolment.enrol(study, rater)
    freeze = Freeze.objects.create(study=study)
    with monkeypatch.context() as killed:
        killed.setattr(FreezeSteps, "_tie_sets", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            FreezeSteps(freeze).choose_images()

    freeze.perform()

    assert freeze.state == Freeze.State.SUCCEEDED
    assert study.images.filter(beside=None).count() == 4
