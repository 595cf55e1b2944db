"""What the reading room's script is told and may save, over the wire."""

import json
import uuid

import pytest
from django.urls import reverse

from accounts.preferences import Preferences
from rating.models import Rating, RatingRevision
from tests.rating.cast import open_study, presentations
from tests.rating.long_study import long_study
from tests.rating.reading.rooms import reading_study

pytestmark = pytest.mark.django_db
JSON = {"HTTP_ACCEPT": "application/json"}


def save(browser, study, presentation, label="real", **fields):
    data = {"label": label, "client_key": str(uuid.uuid4()), **fields}
    url = reverse("rating:rate", args=[study.slug, presentation.token])
    return browser.post(url, data, **JSON)


def test_a_save_echoes_its_key_and_brings_the_next_images(client_of, rater):
    study = open_study(raters=[rater], real=4, fake=4)
    shown = presentations(study, rater)
    key = str(uuid.uuid4())

    response = save(client_of(rater), study, shown[0], client_key=key, after=5)

    assert response.json() == {
        "saved": key,
        "ahead": [{"token": shown[5].token, "position": 6, "modality": "xray", "practice": False}],
    }


def test_a_save_sent_again_is_answered_as_the_first_time_and_stored_once(client_of, rater):
    study = open_study(raters=[rater])
    first = presentations(study, rater)[0]
    browser, key = client_of(rater), str(uuid.uuid4())

    answers = [save(browser, study, first, "fake", client_key=key, remark="odd") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["saved"] == key
    assert (Rating.objects.count(), RatingRevision.objects.count()) == (1, 1)


def test_everything_a_browser_says_about_an_answer_is_kept(client_of, rater):
    study = open_study(raters=[rater])
    first = presentations(study, rater)[0]

    save(
        client_of(rater), study, first, "fake", confidence="4", reasons=["Unusual ribs", "Garbled text"],
        remark="odd", active_ms="5100", idle_ms="70", view_state=json.dumps({"max_zoom": 2.5}),
    )  # fmt: skip

    for version in (first.rating, first.rating.revisions.get()):
        assert (version.label, version.confidence, version.remark) == ("fake", 4, "odd")
        assert version.reasons == ["Unusual ribs", "Garbled text"]
        assert (version.active_ms, version.idle_ms, version.view_state) == (5100, 70, {"max_zoom": 2.5})


def test_reasons_are_for_fake_alone_and_only_those_of_the_study(client_of, rater):
    study = open_study(raters=[rater])
    first, second, *_ = presentations(study, rater)
    browser = client_of(rater)

    assert save(browser, study, first, "real", reasons=["Unusual ribs"]).status_code == 200
    assert save(browser, study, second, "fake", reasons=["My own"]).status_code == 422
    assert first.rating.reasons == []


def test_a_second_tab_is_told_what_stands_and_changes_nothing(client_of, rater):
    study = open_study(raters=[rater])
    first = presentations(study, rater)[0]
    browser = client_of(rater)
    save(browser, study, first, "fake")

    response = save(browser, study, first, "real")

    assert response.status_code == 409
    assert response.json()["error"].startswith("Already rated: Fake")
    assert Rating.objects.get().label == "fake"
    assert RatingRevision.objects.count() == 1


@pytest.mark.parametrize(
    ("rule", "changed"), [("none", [False, False]), ("last", [False, True]), ("any", [True, True])]
)
def test_answers_are_changed_as_the_study_allows(client_of, rater, rule, changed):
    study = reading_study(raters=[rater], going_back=rule)
    browser = client_of(rater)
    shown = presentations(study, rater)[:2]
    keys = [save(browser, study, p).json()["saved"] for p in shown]

    answers = [save(browser, study, p, "unsure", replaces=k) for p, k in zip(shown, keys, strict=True)]

    assert [answer.status_code == 200 for answer in answers] == changed
    assert [p.rating.label == "unsure" for p in presentations(study, rater)[:2]] == changed
    for presentation, allowed in zip(shown, changed, strict=True):
        url = reverse("rating:at", args=[study.slug, presentation.position])
        assert (browser.get(url, **JSON).status_code == 200) is allowed


def test_a_script_without_a_session_gets_401_and_a_person_the_login_page(client, rater):
    study = open_study(raters=[rater])
    first = presentations(study, rater)[0]

    assert save(client, study, first).status_code == 401
    assert client.get(reverse("rating:ahead", args=[study.slug]), **JSON).status_code == 401
    page = client.get(reverse("rating:read", args=[study.slug]))
    assert page.status_code == 302
    assert page.url.startswith(reverse("account_login"))
    assert not Rating.objects.exists()


def test_a_save_of_one_account_is_never_taken_from_another(client_of, rater, other_rater):
    study = open_study(raters=[rater, other_rater])
    theirs = presentations(study, other_rater)[0]
    browser = client_of(other_rater)

    response = save(browser, study, theirs, account=str(rater.pk))

    assert response.status_code == 403
    assert response.json() == {"error": "other account"}
    assert not Rating.objects.exists()


def test_a_browser_is_told_no_more_about_an_image_than_this(client_of, rater):
    study = open_study(raters=[rater], real=4, fake=4)
    browser = client_of(rater)

    page = browser.get(reverse("rating:read", args=[study.slug])).content.decode()
    room = json.loads(page.split('<script id="room" type="application/json">')[1].split("</script>")[0])
    ahead = browser.get(reverse("rating:ahead", args=[study.slug]) + "?session=1", **JSON).json()

    allowed = {"token", "position", "modality", "practice"}
    assert all(set(image) <= allowed for image in [*room["ahead"], *ahead["ahead"]])
    assert set(room["showing"]) == {*allowed, "answer", "draft"}  # both the rater's own words
    assert set(room) == {
        "account", "study", "side", "fixedZoom", "fixedWindow", "goingBack", "breakAfter", "practice", "total",
        "batch", "lockAfter", "showing", "ahead", "urls", "slices", "marks",
    }  # fmt: skip


def test_no_more_is_held_ahead_than_the_study_says(client_of, rater):
    study = reading_study(raters=[rater], real=10, fake=10, hold_ahead=12)

    url = reverse("rating:ahead", args=[study.slug]) + "?session=1"
    ahead = client_of(rater).get(url, **JSON).json()["ahead"]

    assert [image["position"] for image in ahead] == list(range(1, 13))


def test_the_server_names_a_batch_at_a_time_and_the_browser_asks_for_the_rest(client_of, rater):
    study = long_study("Night", raters=[rater], images=130, hold_ahead=120)
    browser = client_of(rater)
    url = reverse("rating:ahead", args=[study.slug]) + "?session=1"

    page = browser.get(reverse("rating:read", args=[study.slug])).context["room"]
    batches = [browser.get(f"{url}&after={after}", **JSON).json()["ahead"] for after in (0, 50, 100, 120)]

    assert (page["batch"], len(page["ahead"])) == (50, 50)
    assert [image["position"] for batch in batches for image in batch] == list(range(1, 121))
    assert [len(batch) for batch in batches] == [50, 50, 20, 0]


@pytest.mark.parametrize("after", ["-1", "x", "9" * 30, "²"])
def test_an_after_that_is_no_position_names_the_first_batch(client_of, rater, after):
    study = open_study(raters=[rater])
    url = reverse("rating:ahead", args=[study.slug])

    ahead = client_of(rater).get(url, {"session": 1, "after": after}, **JSON).json()["ahead"]

    assert [image["position"] for image in ahead] == [1, 2, 3, 4, 5]


def test_a_script_is_refused_in_the_raters_own_language(client_of, rater):
    study = open_study(raters=[rater])
    Preferences.objects.create(user=rater, language="de")

    response = save(client_of(rater), study, presentations(study, rater)[0], "")

    assert response.status_code == 422
    assert response.json()["error"].startswith("Bitte echt")


def test_the_server_stamps_when_an_image_was_first_shown(client_of, rater):
    study = open_study(raters=[rater])
    first, second, *_ = presentations(study, rater)
    browser = client_of(rater)

    save(browser, study, first, shown_ms_ago="60000", showing=second.token)

    first, second, *_ = presentations(study, rater)
    assert first.first_shown_at is not None
    assert 59 < (first.rating.rated_at - first.first_shown_at).total_seconds() < 62
    assert second.first_shown_at is not None


def test_practice_is_told_afterwards_and_nothing_else_ever_is(client_of, rater):
    study = reading_study(raters=[rater], practice=2)
    browser = client_of(rater)

    for presentation in presentations(study, rater):
        body = save(browser, study, presentation, "unsure").json()
        if presentation.is_practice:
            word = "real" if presentation.study_image.image.origin == "real" else "fake"
            assert body.pop("feedback") == f"Practice: this image was {word}."
        assert set(body) == {"saved", "ahead"}


def test_a_clock_gone_wrong_does_not_cost_the_answer(client_of, rater):
    study = open_study(raters=[rater])
    first = presentations(study, rater)[0]
    ages = "9" * 25

    response = save(client_of(rater), study, first, "fake", active_ms=ages, idle_ms=ages, shown_ms_ago=ages)

    assert response.status_code == 200
    assert Rating.objects.get().active_ms == 30 * 24 * 3600 * 1000


@pytest.mark.parametrize(
    "state", ["{", '{"zoom": NaN}', '{"zoom": 1e999}', r'{"a": "\u0000"}', r'{"\ud800": 1}']
)
def test_a_view_state_the_database_cannot_hold_is_refused_in_words(client_of, rater, state):
    study = open_study(raters=[rater])

    response = save(client_of(rater), study, presentations(study, rater)[0], view_state=state)

    assert response.status_code == 422
    assert not Rating.objects.exists()


@pytest.mark.parametrize("elsewhere", ["", "reading", "//evil.example.org/", "https://evil.example.org/"])
def test_preferences_lead_back_to_a_page_of_this_site(client_of, rater, elsewhere):
    browser = client_of(rater)
    url, back = reverse("rating:preferences"), reverse("rating:reading_list")

    page = browser.get(url, {"next": elsewhere})
    saved = browser.post(url, {"theme": "dark", "next": elsewhere})

    assert f'href="{back}">Cancel' in page.content.decode()
    assert saved["Location"] == back
