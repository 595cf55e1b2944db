"""What a rater has begun to say survives a reload, a pause and another computer; it is no rating."""

import pytest
from django.urls import reverse

from rating.models import Draft, Enrolment, Rating
from rating.results.export.ratings_csv import csv_lines
from tests.database_work import database_work
from tests.rating.cast import organiser, presentations
from tests.rating.reading.rooms import (
    enter,
    eventually,
    reading_study,
    shown,
    until,
    wait_for_another,
    wait_for_status,
)
from tests.rating.reading.test_answers import save

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]


def write(browser, study, presentation, **content):
    url = reverse("rating:draft", args=[study.slug, presentation.token])
    return browser.post(url, content, HTTP_ACCEPT="application/json")


def begin_an_answer(page) -> None:
    page.keyboard.press("2")
    page.keyboard.press("m")
    page.keyboard.type("a vessel that")


def assert_begun(page) -> None:
    until(page, "() => document.querySelector('input[value=fake]').checked")
    assert page.input_value("#id_remark") == "a vessel that"


def test_a_reload_without_network_for_the_draft_costs_nothing(open_browser, rater):
    study = reading_study(raters=[rater])
    page = open_browser(rater)
    page.route("**/draft/**", lambda route: route.abort())
    enter(page, study)
    begin_an_answer(page)
    page.wait_for_timeout(400)  # longer than a hand rests between two letters

    page.reload()

    shown(page)
    assert_begun(page)


def test_after_a_pause_another_computer_has_the_answer_begun_and_saving_it_erases_the_draft(
    open_browser, rater
):
    study = reading_study(raters=[rater])
    page = open_browser(rater)
    enter(page, study)
    begin_an_answer(page)
    page.keyboard.press("Escape")
    page.click("footer a")  # pause
    eventually(Draft.objects.exists, page)

    other = open_browser(rater)
    enter(other, study)
    first = shown(other)
    assert_begun(other)
    assert not Rating.objects.exists()
    other.keyboard.press("Enter")
    wait_for_another(other, first)
    wait_for_status(other, "Saved")

    assert (Rating.objects.get().label, Rating.objects.get().remark) == ("fake", "a vessel that")
    assert not Draft.objects.exists()


def test_without_a_script_the_draft_stands_in_the_form(client_of, rater):
    study = reading_study(raters=[rater])
    first = presentations(study, rater)[0]
    browser = client_of(rater)
    write(browser, study, first, label="unsure", remark="half")

    page = browser.get(reverse("rating:read", args=[study.slug])).content.decode()

    assert 'value="unsure" data-letter="u" required checked' in page
    assert ">half</textarea>" in page


@pytest.mark.django_db(transaction=False)
def test_a_draft_is_cheap_and_of_nothing_is_none(client_of, rater):
    study = reading_study(raters=[rater])
    first = presentations(study, rater)[0]
    browser = client_of(rater)

    with database_work() as work:
        write(browser, study, first, label="fake", remark="half")
    assert (
        len(work.queries) <= 5
    )  # session, person, whether a second factor is due, the presentation, the draft
    assert Draft.objects.get().content() == {
        "label": "fake",
        "confidence": None,
        "reasons": [],
        "remark": "half",
        "second": {},
        "marks": [],
    }
    write(browser, study, first, label="", remark="")

    assert not Draft.objects.exists()


def test_a_draft_is_never_a_rating_nor_in_an_export_and_goes_when_the_study_closes(client_of, rater):
    study = reading_study(raters=[rater])
    first, second, *_ = presentations(study, rater)
    browser = client_of(rater)
    save(browser, study, first, "real")
    write(browser, study, second, label="fake", remark="secret words")
    late = write(browser, study, first, label="fake", remark="too late")

    assert late.status_code == 404
    assert Rating.objects.count() == 1
    study.close(organiser())
    study.refresh_from_db()

    assert "secret words" not in "".join(csv_lines(study))
    assert not Draft.objects.exists()


def test_nobody_reads_or_writes_anothers_draft(client_of, rater, other_rater):
    study = reading_study(raters=[rater, other_rater])
    first = presentations(study, rater)[0]

    assert write(client_of(other_rater), study, first, label="fake").status_code == 404
    write(client_of(rater), study, first, label="fake", remark="mine")
    page = client_of(other_rater).get(reverse("rating:read", args=[study.slug])).content.decode()

    assert "mine</textarea>" not in page


def test_the_draft_of_whoever_withdraws_is_erased(client_of, rater):
    study = reading_study(raters=[rater])
    write(client_of(rater), study, presentations(study, rater)[0], label="fake", remark="mine")

    Enrolment.objects.get(study=study, user=rater).withdraw(organiser(), "Asked to leave.")

    assert not Draft.objects.exists()
