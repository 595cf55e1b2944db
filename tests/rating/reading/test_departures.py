"""A session started over, a rater withdrawn, a study closed under an open page: said at once, nothing sent for ever."""

import pytest
from django.urls import reverse

from rating.models import Enrolment, Rating, Sitting
from tests.rating.cast import organiser, presentations
from tests.rating.reading.rooms import enter, reading_study, shown, until
from tests.rating.reading.test_answers import JSON, save

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]


def start_over(study, rater):
    Sitting.objects.of(rater, study).get().reset(organiser(), "The room was too bright.")


def withdraw(study, rater):
    Enrolment.objects.get(study=study, user=rater).withdraw(organiser(), "Asked to leave.")


def close(study, _rater):
    study.close(organiser())


ENDS = {
    "reset": (start_over, "The organiser has started your session over, with a new order of images."),
    "withdrawn": (withdraw, "You no longer take part in this study."),
    "closed": (close, "This study is closed and takes no more answers."),
}


@pytest.mark.parametrize("departure", ENDS)
def test_an_open_page_says_at_the_first_answer_that_the_reading_has_ended(open_browser, rater, departure):
    end, sentence = ENDS[departure]
    study = reading_study(raters=[rater])
    page = open_browser(rater)
    enter(page, study)
    end(study, rater)

    page.keyboard.press("2")
    page.keyboard.press("Enter")

    until(page, "() => document.querySelector('#over').open")
    assert page.text_content("[data-sentence]") == sentence
    assert "Not taken: 1." in page.inner_text("#over")
    assert page.text_content("[data-status]") == "1 not taken"
    assert page.locator("[data-again]").is_visible() is (departure == "reset")
    page.click("[data-forget]")
    until(page, "() => document.querySelector('[data-left]').hidden")
    page.click("#over a:visible >> nth=-1")
    until(page, "() => location.pathname === '/reading/' && document.querySelector('[data-door-status]')")
    assert page.text_content("[data-door-status]") == ""
    assert not Rating.objects.exists()


@pytest.mark.parametrize("departure", ENDS)
def test_a_script_is_told_which_end_it_is_by_save_and_by_question(client_of, rater, departure):
    end, sentence = ENDS[departure]
    study = reading_study(raters=[rater])
    first = presentations(study, rater)[0]
    browser = client_of(rater)
    ahead = browser.get(reverse("rating:read", args=[study.slug])).context["room"]["urls"]["ahead"]
    end(study, rater)

    for answer in (save(browser, study, first), browser.get(ahead, **JSON)):
        assert answer.status_code == 410
        assert answer.json() == {"error": sentence, "departure": departure}


def test_without_a_script_the_page_says_what_became_of_the_answer(client_of, rater):
    study = reading_study(raters=[rater])
    first = presentations(study, rater)[0]
    close(study, rater)

    page = client_of(rater).post(
        reverse("rating:rate", args=[study.slug, first.token]), {"label": "real", "client_key": "0" * 32}
    )

    assert page.status_code == 410
    assert "This study is closed and takes no more answers." in page.content.decode()


def test_an_answer_refused_once_does_not_keep_its_image_from_being_rated(open_browser, rater):
    study = reading_study(raters=[rater], real=1, fake=0)
    page = open_browser(rater)
    enter(page, study)
    posts = []
    page.route("**/rate/**", lambda route: posts.append(route))  # noqa: PLW0108  (Playwright marks what it calls)
    # Nothing is left to show, and the server has said so, while the answer is still on its way.
    with page.expect_response("**/ahead/**"), page.expect_request("**/rate/**"):
        page.keyboard.press("2")
        page.keyboard.press("Enter")
    until(page, "() => !document.querySelector('canvas').dataset.token")
    posts[0].fulfill(status=422, json={"error": "No."})
    # The image comes back by itself, on this page or on one that begins anew.
    until(page, "() => document.querySelector('[data-status]').textContent === '1 not taken'")
    page.wait_for_load_state("networkidle")
    page.unroute("**/rate/**")

    shown(page)
    page.keyboard.press("1")
    page.keyboard.press("Enter")

    until(page, "() => document.querySelector('h1').textContent.includes('All images rated')")
    assert page.text_content("[data-door-status]") == ""
    assert Rating.objects.get().label == "real"
