"""How usable the site was: asked once all is read, kept apart, scored in results, gone with whoever withdraws."""

from __future__ import annotations

import json
import zipfile

import pytest
from django.db import DatabaseError
from django.urls import reverse

from lungrater.privacy.my_data import my_data
from rating.models import Sitting, UsabilityAnswer
from rating.results.build_report import report_on, results_of
from rating.results.export.usability_csv import usability_lines
from tests.rating.cast import open_study, organiser, rate_all
from tests.rating.reading.rooms import reading_study

pytestmark = pytest.mark.django_db
BEST = {f"item_{number}": "5" if number % 2 else "1" for number in range(1, 11)}


def addresses(study):
    return reverse("rating:read", args=[study.slug]), reverse("rating:usability", args=[study.slug])


def test_it_is_asked_once_at_the_end_and_then_the_rater_is_done(client_of, rater):
    study = open_study(raters=[rater], ask_usability=True)
    browser, (read, usability) = client_of(rater), addresses(study)

    assert browser.get(usability).url == read
    rate_all(study, rater, "real")
    assert browser.get(read).url == usability
    assert "I found the system unnecessarily complex." in browser.get(usability).text
    assert browser.post(usability, BEST).url == read
    browser.post(usability, {"item_1": "3"})

    assert "All images rated" in browser.get(read).text
    assert UsabilityAnswer.objects.get().items == [5, 1, 5, 1, 5, 1, 5, 1, 5, 1]


def test_a_study_that_does_not_ask_has_no_such_page(client_of, rater):
    study = open_study(raters=[rater])
    rate_all(study, rater, "real")
    read, usability = addresses(study)

    assert client_of(rater).get(usability).status_code == 404
    assert "All images rated" in client_of(rater).get(read).text


def test_results_report_and_file_have_the_score_and_leave_out_who_would_not_say(
    client_of, rater, other_rater, admin
):
    third = type(rater).objects.create_user("third@example.org")
    raters = [rater, other_rater, third]
    study = open_study(raters=raters, ask_usability=True)
    _, usability = addresses(study)
    for person, items in zip(raters, (BEST, {"item_1": "4"}, {}), strict=True):
        rate_all(study, person, "real")
        client_of(person).post(usability, items)
    study.close(organiser())

    results = results_of(study)
    titles = [
        piece.title
        for section in report_on(study, results, "2026-01-31").sections
        for piece in section.pieces
    ]
    page = (
        client_of(organiser()).get(reverse("rating:analysis_question", args=[study.slug, "usability"])).text
    )

    assert results.usability is not None
    assert (results.usability.raters, results.usability.scores) == (("R01", "R02"), (100.0, 52.5))
    assert results.usability.mean.estimate == 76.25
    assert "System Usability Scale" in titles
    assert "76.250" in page
    lines = list(usability_lines(study))
    assert lines[1:] == ["R01,1,5,1,5,1,5,1,5,1,5,1,100.0\r\n", "R02,1,4,,,,,,,,,,52.5\r\n"]


def test_it_is_in_the_raters_own_data_and_goes_with_their_ratings(client_of, rater):
    study = open_study(raters=[rater], ask_usability=True, withdrawal="remove")
    rate_all(study, rater, "real")
    client_of(rater).post(addresses(study)[1], BEST)

    with my_data(rater) as file, zipfile.ZipFile(file) as archive:
        assert json.loads(archive.read("usability.json"))[0]["items"] == [5, 1] * 5
    client_of(rater).post(reverse("rating:leave", args=[study.slug]), {"sure": "on"})

    assert not UsabilityAnswer.objects.exists()


def test_the_database_takes_ten_items_and_no_other_number(rater):
    open_study(raters=[rater], ask_usability=True)

    with pytest.raises(DatabaseError, match="usability_has_ten_items"):
        UsabilityAnswer.objects.create(sitting=Sitting.objects.get(), items=[1])


@pytest.mark.e2e
@pytest.mark.django_db(transaction=True)
def test_it_is_answered_by_keyboard(open_browser, rater):
    study = reading_study(raters=[rater], ask_usability=True)
    rate_all(study, rater, "real")
    page = open_browser(rater, viewport={"width": 390, "height": 844})
    page.goto(f"/reading/{study.slug}/")

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.focus("input[name=item_1]")
    for _ in range(10):
        page.keyboard.press("Space")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/reading/{study.slug}/")

    assert UsabilityAnswer.objects.get().items == [2] * 10
