"""What a rater has answered arrives once, in order, for them alone, whatever breaks."""

import pytest
from django.contrib.sessions.models import Session

from rating.models import Rating, RatingRevision
from tests.rating.cast import presentations
from tests.rating.reading.conftest import sign_in
from tests.rating.reading.rooms import (
    enter,
    eventually,
    rate,
    reading_study,
    shown,
    until,
    wait_for_another,
    wait_for_images,
    wait_for_status,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]
PASSWORD = "a-long-enough-password"


def labels_of(study, rater):
    return [getattr(getattr(p, "rating", None), "label", None) for p in presentations(study, rater)]


def test_thirty_ratings_made_offline_arrive_once_and_in_order(open_browser, rater):
    study = reading_study(raters=[rater], real=21, fake=21, hold_ahead=40)
    page = open_browser(rater)
    enter(page, study)
    wait_for_images(page, 40)
    page.context.set_offline(True)
    keys = ["123"[number % 3] for number in range(30)]

    for key in keys:
        rate(page, key)
    assert page.text_content("[data-status]") == "30 not saved"
    assert "No connection" in page.text_content("[data-notice]")
    assert not Rating.objects.exists()
    page.context.set_offline(False)

    wait_for_status(page, "Saved", seconds=20)
    words = {"1": "real", "2": "fake", "3": "unsure"}
    assert labels_of(study, rater) == [words[key] for key in keys] + [None] * 12
    revisions = RatingRevision.objects.order_by("pk").values_list("rating__presentation__position", flat=True)
    assert list(revisions) == list(range(1, 31))


def test_without_network_and_images_the_page_says_that_answers_are_kept(open_browser, rater):
    study = reading_study(raters=[rater], real=4, fake=4, hold_ahead=2)
    page = open_browser(rater)
    enter(page, study)
    wait_for_images(page, 2)
    page.context.set_offline(True)
    kept = "Your answers are kept here. The next images come when the network is back."

    rate(page, "1")
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    until(page, "(kept) => document.querySelector('[data-notice]').textContent === kept", argument=kept)
    page.keyboard.press("3")
    page.keyboard.press("Enter")
    assert page.text_content("[data-notice]") == kept
    page.context.set_offline(False)

    wait_for_status(page, "Saved", seconds=20)
    assert labels_of(study, rater)[:3] == ["real", "fake", None]


def test_an_echo_lost_on_the_way_makes_no_second_rating(open_browser, rater):
    study = reading_study(raters=[rater])
    page = open_browser(rater)
    enter(page, study)
    lost: list[str] = []

    def lose_the_first_echo(route):
        route.fetch()
        if lost:
            route.continue_()
        else:
            lost.append(route.request.url)
            route.abort()

    page.route("**/rate/**", lose_the_first_echo)
    rate(page, "2")

    wait_for_status(page, "Saved")
    assert lost
    assert RatingRevision.objects.count() == 1


def test_saved_is_not_said_when_the_answer_is_some_other_page(open_browser, rater):
    study = reading_study(raters=[rater])
    page = open_browser(rater)
    enter(page, study)

    page.route("**/rate/**", lambda route: route.fulfill(status=200, body="<h1>Sign in</h1>"))
    rate(page, "2")
    page.wait_for_timeout(300)
    assert page.text_content("[data-status]") == "1 not saved"
    page.unroute("**/rate/**")

    wait_for_status(page, "Saved")
    assert labels_of(study, rater)[0] == "fake"


def test_a_reload_with_unsent_ratings_warns_and_then_sends_them(open_browser, rater):
    study = reading_study(raters=[rater])
    page = open_browser(rater)
    enter(page, study)
    page.route("**/rate/**", lambda route: route.abort())
    rate(page, "1")
    rate(page, "2")
    third = shown(page)
    warnings: list[str] = []
    page.on("dialog", lambda dialog: warnings.append(dialog.type))
    page.on("dialog", lambda dialog: dialog.accept())

    page.reload()

    assert warnings == ["beforeunload"]
    page.unroute("**/rate/**")
    until(page, "(third) => document.querySelector('canvas').dataset.token === third", argument=third)
    wait_for_status(page, "Saved")
    assert labels_of(study, rater)[:2] == ["real", "fake"]


def test_a_session_that_ends_between_show_and_save_loses_nothing(open_browser, rater):
    rater.set_password(PASSWORD)
    rater.save()
    study = reading_study(raters=[rater])
    page = open_browser(rater)
    enter(page, study)
    wait_for_images(page, 2)
    Session.objects.all().delete()

    page.keyboard.press("m")
    page.keyboard.type("left effusion")
    page.keyboard.press("Escape")
    rate(page, "2")
    until(page, "() => document.querySelector('#sign-in')?.open")
    assert not Rating.objects.exists()
    page.fill("#sign-in-password", "wrong")
    page.click("#sign-in button[type=submit]")
    until(page, "() => !document.querySelector('[data-failed]').hidden")
    page.fill("#sign-in-password", PASSWORD)
    page.click("#sign-in button[type=submit]")

    wait_for_status(page, "Saved")
    assert not page.evaluate("() => document.querySelector('#sign-in').open")
    assert (Rating.objects.get().label, Rating.objects.get().remark) == ("fake", "left effusion")


def test_a_code_by_email_signs_in_over_the_page(open_browser, rater, mailoutbox):
    study = reading_study(raters=[rater])
    page = open_browser(rater)
    enter(page, study)
    wait_for_images(page, 2)
    Session.objects.all().delete()

    rate(page, "1")
    until(page, "() => document.querySelector('#sign-in')?.open")
    page.click("[data-send-code]")
    eventually(lambda: bool(mailoutbox), page)
    code = next(line.strip() for line in mailoutbox[0].body.splitlines() if is_code(line.strip()))
    page.fill("#sign-in-code", code)
    page.click("#sign-in button[type=submit]")

    wait_for_status(page, "Saved")
    assert labels_of(study, rater)[0] == "real"


def is_code(line: str) -> bool:
    return 5 <= len(line) <= 12 and " " not in line and line.upper() == line


def test_answers_never_go_out_under_another_account(open_browser, rater, other_rater, live_server):
    study = reading_study(raters=[rater, other_rater])
    page = open_browser(rater)
    enter(page, study)
    page.context.clear_cookies()
    sign_in(page.context, other_rater, live_server.url)

    rate(page, "2")

    until(page, "() => document.querySelector('#sign-in')?.open")
    assert page.is_visible("[data-why=another]")
    assert page.text_content("[data-status]") == "1 not saved"
    assert not Rating.objects.exists()


def test_another_person_on_the_same_computer_neither_sends_nor_sees_what_waits(
    open_browser, rater, other_rater, live_server
):
    study = reading_study(raters=[rater, other_rater])
    page = open_browser(rater)
    enter(page, study)
    page.context.clear_cookies()
    rate(page, "2")
    until(page, "() => document.querySelector('#sign-in')?.open")  # from here on nothing is sent
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("about:blank")

    sign_in(page.context, other_rater, live_server.url)
    page.goto("/reading/")
    page.wait_for_timeout(300)
    assert not Rating.objects.exists()
    assert page.text_content("[data-door-status]") == ""

    page.context.clear_cookies()
    sign_in(page.context, rater, live_server.url)
    page.goto("/reading/")
    eventually(Rating.objects.exists, page)
    assert labels_of(study, rater)[0] == "fake"


def test_the_second_tab_is_told_what_stands(open_browser, rater):
    study = reading_study(raters=[rater])
    one = open_browser(rater)
    enter(one, study)
    two = one.context.new_page()
    enter(two, study)

    rate(one, "2")
    wait_for_status(one, "Saved")
    rate(two, "1")

    until(two, "() => document.querySelector('[data-notice]').textContent.startsWith('Already rated: Fake')")
    assert labels_of(study, rater)[:2] == ["fake", None]
    assert shown(two) == shown(one)


def test_undo_brings_the_last_answer_back_and_the_correction_is_kept(open_browser, rater):
    study = reading_study(raters=[rater])
    page = open_browser(rater)
    enter(page, study)
    first = shown(page)
    rate(page, "2")
    second = shown(page)

    page.keyboard.press("z")
    assert shown(page) == first
    assert page.is_checked("input[value=fake]")
    page.keyboard.press("3")
    page.keyboard.press("Enter")
    wait_for_another(page, first)

    assert shown(page) == second
    wait_for_status(page, "Saved")
    rating = Rating.objects.get()
    assert [revision.label for revision in rating.revisions.all()] == ["fake", "unsure"]


def test_the_last_answer_can_be_undone_after_a_reload(open_browser, rater):
    study = reading_study(raters=[rater])
    page = open_browser(rater)
    enter(page, study)
    first = shown(page)
    rate(page, "2")
    wait_for_status(page, "Saved")
    page.reload()
    shown(page)

    page.keyboard.press("z")

    until(page, "(first) => document.querySelector('canvas').dataset.token === first", argument=first)
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    eventually(lambda: labels_of(study, rater)[0] == "real", page)
