"""Reading PCs are shared: nothing of one person is left for the next."""

import pytest

from rating.models import Rating
from tests.rating.reading.rooms import enter, eventually, rate, reading_study, shown, until, wait_for_status

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]
KEPT = """() => new Promise((resolve) => {
  const opening = indexedDB.open('lungrater');
  opening.onsuccess = async () => {
    const counted = ['saves', 'drafts'].map((shelf) => new Promise((counts) => {
      const counting = opening.result.transaction(shelf).objectStore(shelf).count();
      counting.onsuccess = () => counts(counting.result);
    }));
    const kept = (await Promise.all(counted)).reduce((sum, count) => sum + count);
    resolve(kept + localStorage.length + sessionStorage.length);
  };
})"""


def test_after_sign_out_the_back_button_shows_nothing_and_nothing_is_kept(open_browser, rater):
    study = reading_study(raters=[rater])
    page = open_browser(rater)
    page.goto("/reading/")
    enter(page, study)
    rate(page, "2")
    wait_for_status(page, "Saved")
    page.keyboard.press("1")  # begun, not saved
    eventually(lambda: page.evaluate(KEPT) == 1, page)

    page.click("form[data-leave] button")
    until(page, "() => location.pathname.startsWith('/accounts/login')")
    page.go_back()
    page.wait_for_timeout(500)

    assert page.locator("canvas").count() == 0
    assert page.locator("input[type=password]").count() == 1
    assert page.evaluate(KEPT) == 0
    assert page.evaluate("() => caches.keys()") == []


def test_signing_out_with_unsent_answers_asks_first(open_browser, rater):
    study = reading_study(raters=[rater])
    page = open_browser(rater)
    enter(page, study)
    page.route("**/rate/**", lambda route: route.abort())
    rate(page, "2")
    asked: list[str] = []
    page.on("dialog", lambda dialog: asked.append(dialog.message))
    page.on("dialog", lambda dialog: dialog.dismiss())

    page.click("form[data-leave] button")
    eventually(lambda: bool(asked), page)

    assert asked == ["1 answers are not saved yet. Sign out and lose them?"]
    assert shown(page)
    page.unroute("**/rate/**")
    wait_for_status(page, "Saved")
    assert Rating.objects.count() == 1


def test_a_screen_left_alone_is_covered_and_keeps_the_place(open_browser, rater, monkeypatch):
    monkeypatch.setattr("rating.reading.payload.LOCK_AFTER_SECONDS", 0)
    study = reading_study(raters=[rater])
    page = open_browser(rater)
    enter(page, study)
    first = shown(page)

    until(page, "() => document.querySelector('#lock')?.open")
    page.keyboard.press("2")
    assert page.locator("input[name=label]:checked").count() == 0
    assert "Go on as Rita Rater" in page.text_content("#lock")
    page.click("#lock button.primary")

    assert shown(page) == first


def test_a_second_person_finds_their_own_name_in_every_room(open_browser, rater, other_rater):
    study = reading_study(raters=[rater, other_rater])

    for person, name in ((rater, "Rita Rater"), (other_rater, "Otto Other")):
        page = open_browser(person)
        page.goto("/reading/")
        assert f"You are {name}." in page.text_content("form[data-leave]")
        enter(page, study)
        assert f"You are {name}." in page.text_content("form[data-leave]")
