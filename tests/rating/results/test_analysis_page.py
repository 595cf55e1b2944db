"""What a researcher sees once a study is over: a page per question, figures, galleries, remarks."""

import re
from dataclasses import replace

import pytest
from django.urls import reverse

from accounts.models import SiteSettings
from audit.models import Event
from pool.models import Dataset
from rating.results.build_report import results_of
from rating.results.cache import ResultCache
from rating.results.computation import queue
from rating.results.questions import EXHIBITS, QUESTIONS
from rating.results.report.checklists import checklist_table
from rating.results.report.methods_text import methods_text
from rating.results.study_facts import facts_of
from rating.statistics.accuracy.fool_rate import FoolRates, GroupDifference
from rating.statistics.estimate import Estimate
from rating.views.analysis import most_fooling
from tests.rating.cast import open_study, organiser, over_study, rate_all

pytestmark = pytest.mark.django_db


def test_nothing_is_shown_while_raters_may_still_rate(browser, page, rater):
    study = open_study(raters=[rater])
    rate_all(study, rater, "fake")

    assert "Nothing is shown while raters may still rate" in page(study)
    for address in (
        reverse("rating:analysis_question", args=[study.slug, "labels"]),
        reverse("rating:analysis_images", args=[study.slug]),
        reverse("rating:analysis_remarks", args=[study.slug]),
        reverse("rating:analysis_figure", args=[study.slug, "agreement", "svg"]),
        reverse("rating:report", args=[study.slug, "html"]),
        reverse("rating:bundles", args=[study.slug]),
    ):
        assert browser.get(address).status_code == 404


def test_a_closed_study_shows_labels_by_modality_but_nothing_of_the_truth(browser, page, rater, other_rater):
    study = over_study(raters=[rater, other_rater], real=4, fake=2)

    everything = "".join(
        [page(study), page(study, "analysis_images"), page(study, "analysis_remarks")]
        + [page(study, "analysis_question", question.name) for question in QUESTIONS]
        + [browser.get(reverse("rating:report", args=[study.slug, "html"])).content.decode()]
    )

    assert 'X-ray</td><td>R01</td><td class="number">6' in everything
    assert "truly" not in everything
    assert "synthetic" not in everything
    assert "unblind the study to see it" in everything
    for name, exhibit in EXHIBITS.items():
        if exhibit.needs_truth:
            for kind in ("svg", "csv"):
                assert (
                    browser.get(reverse("rating:analysis_figure", args=[study.slug, name, kind])).status_code
                    == 404
                )
    assert not Event.objects.filter(action="looked at the truth").exists()


def test_an_unblinded_study_shows_labels_by_truth_and_logs_the_look(page, rater, researcher):
    study = over_study(raters=[rater], unblinded=True, real=4, fake=2)

    shown = page(study)

    assert re.search(r"X-ray, truly fake</td><td>R01</td><td class=\"number\">2", shown)
    assert re.search(r"X-ray, truly real</td><td>R01</td><td class=\"number\">4", shown)
    look = Event.objects.get(action="looked at the truth")
    assert (look.actor, look.detail) == (researcher.uuid, {"page": "overview"})


def test_a_figure_seen_on_a_logged_page_is_not_logged_again_but_one_fetched_alone_is(browser, page, rater):
    study = over_study(raters=[rater], unblinded=True)
    figure = reverse("rating:analysis_figure", args=[study.slug, "fool-rate-by-rater", "svg"])
    looks = study.events.filter(action="looked at the truth")

    browser.get(figure)
    assert looks.get().detail == {"page": "figure fool-rate-by-rater"}
    page(study, "analysis_question", "fooled")
    browser.get(figure)
    assert looks.count() == 2


def test_each_figure_comes_as_svg_pdf_png_and_csv(browser, rater, other_rater):
    study = over_study(raters=[rater, other_rater], unblinded=True)
    starts = {
        "svg": b"<?xml",
        "pdf": b"%PDF",
        "png": b"\x89PNG",
        "csv": b"Modality,Rater,Real,Fake,Unsure,n\r\n",
    }

    for kind, start in starts.items():
        response = browser.get(
            reverse("rating:analysis_figure", args=[study.slug, "labels-by-modality", kind])
        )
        assert response.content.startswith(start)

    again = browser.get(reverse("rating:analysis_figure", args=[study.slug, "labels-by-modality", "svg"]))
    assert "script" not in again.content.decode()
    assert "sandbox" in again["Content-Security-Policy"]


def test_fool_rates_are_given_by_generator_and_against_fid_where_it_was_measured(
    browser, page, rater, other_rater
):
    study = open_study(raters=[rater, other_rater], real=2, fake=4)
    fakes = [one.image for one in study.images.filter(image__origin="synthetic").order_by("code")]
    for place, image in enumerate(fakes):
        image.provenance = {
            "engine": "diffusion",
            "model": "lungs",
            "checkpoint_step": 100 * (1 + place % 2),
            "fid": 40 - 10 * (place % 2),
        }
        image.save(update_fields=["provenance"])
    rate_all(study, rater, "real")
    rate_all(study, other_rater, "fake")
    study.close(organiser())
    study.unblind(organiser(), "All have finished.")

    shown = page(study, "analysis_question", "generators")

    assert "lungs, step 100" in shown
    assert re.search(r"lungs, step 200</td>.*?0\.500.*?30\.000", shown, re.S)
    assert "fool-rate-against-fid.svg" in shown
    drawn = browser.get(reverse("rating:analysis_figure", args=[study.slug, "fool-rate-against-fid", "png"]))
    assert drawn.status_code == 200


def test_machines_measures_of_a_dataset_stand_beside_its_fool_rate(page, rater, other_rater):
    study = over_study(raters=[rater, other_rater], unblinded=True)
    dataset = Dataset.objects.get(origin="synthetic")
    dataset.measurements = {
        "fid": {"name": "FID", "value": 41.5, "interval": [40, 43]},
        "kid": {"name": "KID", "value": 0.0625, "interval": None},
        "machine_auc": {"name": "AUC of a machine", "value": 0.875, "interval": [0.8, 0.9]},
    }
    dataset.save(update_fields=["measurements"])

    shown = page(study, "analysis_question", "generators")

    assert re.search(r"41\.500</td>\s*<td class=\"number\">0\.062</td>\s*<td class=\"number\">0\.875", shown)
    assert "fool-rate-against-fid.svg" in shown


def test_a_study_without_fid_says_so(page, rater):
    study = over_study(raters=[rater], unblinded=True)

    assert "No distance has been measured" in page(study, "analysis_question", "generators")


def test_filters_leave_only_the_chosen_part(page, rater, other_rater):
    study = open_study(raters=[rater, other_rater], real=2, fake=2)
    images = list(study.images.order_by("code"))
    for image in images[:2]:
        image.image.modality = "ct"
        image.image.save(update_fields=["modality"])
    rate_all(study, rater, "fake")
    rate_all(study, other_rater, "real")
    study.close(organiser())

    text = page(study, "analysis_question", "labels")
    part = page(study, "analysis_question", "labels", modality="ct")
    nonsense = page(study, "analysis_question", "labels", modality="../etc")

    assert "X-ray</td>" in text
    assert "CT</td>" in text
    assert "X-ray</td>" not in part
    assert "CT</td>" in part
    assert "labels-by-modality.svg?modality=ct" in part
    assert "X-ray</td>" in nonsense


def test_raters_are_grouped_by_years_and_by_subspecialty(page, rater, other_rater):
    study = open_study(raters=[rater, other_rater])
    study.enrolments.filter(user=rater).update(years=3, subspecialty="Chest ")
    study.enrolments.filter(user=other_rater).update(years=25, subspecialty="neuro")
    for one in (rater, other_rater):
        rate_all(study, one, "fake")
    study.close(organiser())

    young = page(study, "analysis_question", "labels", years="0-4")
    chest = page(study, "analysis_question", "labels", subspecialty="chest")
    nobody = page(study, "analysis_question", "labels", years="0-4", subspecialty="neuro")

    for shown in (young, chest):
        assert "R01</td>" in shown
        assert "R02</td>" not in shown
    assert "20 or more" in young
    assert "There are no ratings." in nobody


def test_two_raters_speak_for_themselves_only(page, rater, other_rater):
    study = over_study(raters=[rater, other_rater])

    assert "these two raters only" in page(study, "analysis_question", "agreement")


def test_pairs_with_few_common_images_are_grey(page, rater, other_rater):
    study = over_study(raters=[rater, other_rater], real=2, fake=2)

    assert re.search(
        r'<tr class="quiet">\s*<td>R01</td><td>R02</td><td class="number">4',
        page(study, "analysis_question", "agreement"),
    )


def test_numbers_are_computed_once_for_each_state_of_the_ratings(page, rater, other_rater, monkeypatch):
    study = over_study(raters=[rater, other_rater])
    page(study)
    monkeypatch.setattr(
        "rating.results.build_report.study_results", lambda *_args, **_more: pytest.fail("computed again")
    )
    monkeypatch.setattr(
        "rating.results.cache.read_columns", lambda _study, **_more: pytest.fail("read again")
    )

    page(study)
    page(study, "analysis_question", "agreement")

    monkeypatch.undo()
    study.enrolments.first().withdraw(organiser(), "Asked to.")
    assert "1 rater of" in page(study)


def test_the_methods_compare_generators_only_where_there_are_two(rater):
    study = over_study(raters=[rater], unblinded=True)
    facts, numbers = facts_of(study), results_of(study)

    methods = " ".join(methods_text(facts, numbers))
    pair = GroupDifference("a", "b", Estimate(0.0), "", None, None)
    truth = replace(numbers.known_truth, by_generator=FoolRates((), (pair,)))
    of_two = " ".join(methods_text(facts, replace(numbers, truth=truth)))

    assert "“Unsure” counts as wrong, as declared" in methods
    assert (
        numbers.known_truth.auc.u_statistic.primary_method not in methods
    )  # one rater: no interval over raters
    assert "Generators and modalities are compared" not in methods
    assert "Generators and modalities are compared" in of_two


def test_images_of_other_blocks_are_not_missing(rater, other_rater):
    study = over_study(raters=[rater, other_rater], unblinded=True, real=4, fake=4, blocks=2)

    rows = checklist_table(facts_of(study), results_of(study)).rows
    missing = next(str(row[3]) for row in rows if row[:2] == ["STARD", "16"])

    assert missing.startswith("8 ratings; each rater was shown one of 2 blocks and the anchors")
    assert "have no rating" not in missing


def test_numbers_are_made_again_when_an_import_fills_in_the_findings(rater):
    study = over_study(raters=[rater], unblinded=True)
    before = ResultCache(study).folder

    image = study.images.first().image
    image.label = "effusion"
    image.save(update_fields=["label"])

    assert ResultCache(study).folder != before


def test_study_images_are_for_studies_that_are_over(browser, rater):
    study = open_study(raters=[rater])
    url = reverse("rating:study_image", args=[study.slug, study.images.first().code])

    assert browser.get(url).status_code == 404
    study.close(organiser())
    assert browser.get(url).status_code == 200


def test_the_analysis_asks_the_database_the_same_number_of_times_however_many_ratings(
    django_assert_max_num_queries, browser, rater, other_rater
):
    study = over_study(raters=[rater, other_rater], unblinded=True, real=6, fake=6)

    SiteSettings.recent()  # which a process asks for every few seconds

    with django_assert_max_num_queries(22):  # some of them ask whether every rating is its last revision
        browser.get(reverse("rating:analysis", args=[study.slug]))


def test_the_overview_counts_fakes_image_by_image_only_where_a_request_may(rater, monkeypatch):
    study = over_study(raters=[rater], unblinded=True, real=4, fake=2)
    cache = ResultCache(study)
    results = results_of(study, cache)

    small = most_fooling(study, results, cache)
    monkeypatch.setattr(queue, "MOST_AT_ONCE", 5)
    large = most_fooling(study, results, cache)

    assert [image.truth for image in small] == ["fake", "fake"]
    assert large == []


def test_agreement_repeats_no_number_where_all_images_are_of_one_modality(page, rater, other_rater):
    study = over_study(raters=[rater, other_rater])

    text = page(study, "analysis_question", "agreement")

    assert text.count("Gwet AC1</td>") == 1
    assert "over 1 pair of raters" in text


def test_only_who_read_is_named_as_unconfirmed(browser, rater, other_rater):
    study = open_study(raters=[rater, other_rater])
    rate_all(study, rater, "fake")
    study.close(organiser())

    answer = browser.get(reverse("rating:analysis", args=[study.slug]))

    assert "confirmed: R01. Who read there" in " ".join(answer.context["unconfirmed"])
