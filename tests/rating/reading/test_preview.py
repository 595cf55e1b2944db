"""An organiser walks through the reading room of a study in preparation; afterwards nothing has changed."""

import re
import uuid

import pytest
from django.apps import apps
from django.urls import reverse

from accounts.membership.models import Part
from pool.models import Dataset, Image
from rating.models import Freeze, Stratum
from rating.reading.preview import HANDFUL
from tests.rating.cast import draft_study, frozen_study, open_study
from tests.rating.reading.rooms import rate, shown, until
from tests.rating.stacks import frozen, stack_study

pytestmark = pytest.mark.django_db
JSON = {"Accept": "application/json"}


def page_of(study, **query):
    return reverse("rating:preview", args=[study.slug], query=query)


def room_of(browser, study, **query):
    response = browser.get(page_of(study, **query))
    assert response.status_code == 200
    return response.context["room"], response


def bytes_of(browser, room):
    tokens = [room["showing"]["token"], *(each["token"] for each in room["ahead"])]
    urls = [url.replace("TOKEN", token) for token in tokens for url in room["urls"]["images"]]
    return [browser.get(url).content for url in urls]


def post_answer(browser, room, token="1", **fields):
    answer = {"label": "real", "client_key": str(uuid.uuid4()), "account": room["account"], **fields}
    return browser.post(room["urls"]["rate"].replace("TOKEN", token), answer, headers=JSON)


def all_rows():
    models = [*apps.get_app_config("rating").get_models(), *apps.get_app_config("audit").get_models()]
    return {model.__name__: list(model._default_manager.order_by("pk").values()) for model in models}


@pytest.mark.parametrize("make", [draft_study, frozen_study])
@pytest.mark.parametrize("design", ["single", "pair", "two-phase"])
def test_a_whole_preview_writes_no_row(client_of, researcher, make, design):
    study = make(**protocol_of(design))
    browser = client_of(researcher)
    before = all_rows()

    room, response = room_of(browser, study)
    pngs = bytes_of(browser, room)
    for number in range(1, room["total"] + 1):
        label = response.context["question"].choices[0].value
        key = str(uuid.uuid4())
        saved = post_answer(browser, room, str(number), label=label, client_key=key)
        assert (saved.status_code, saved.json()) == (200, {"saved": key, "ahead": []})
        draft = room["urls"]["draft"].replace("TOKEN", str(number))
        assert browser.post(draft, {"label": label, "account": ""}, headers=JSON).status_code == 200
    assert browser.get(room["urls"]["ahead"], headers=JSON).json()["account"] == room["account"]

    assert all(png.startswith(b"\x89PNG") for png in pngs)
    assert all_rows() == before


def protocol_of(design):
    if design == "pair":
        return {"design": "pair", "primary_endpoint": "accuracy"}
    return {"design": "two-phase", "sessions": 2} if design == "two-phase" else {}


@pytest.mark.parametrize("make", [draft_study, frozen_study])
def test_with_the_truth_swapped_every_byte_is_the_same(client_of, researcher, make):
    study = make(real=4, fake=4)
    browser = client_of(researcher)

    def wire():
        room, response = room_of(browser, study)
        ahead = browser.get(room["urls"]["ahead"], headers=JSON).content
        return without_chance(response), ahead, bytes_of(browser, room)

    before = wire()
    swap_the_truth()

    assert wire() == before


def without_chance(response):
    """The page less what is drawn by lot for each answer: the key of a save and the tokens against forgery."""
    page = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", response.content.decode())
    return page.replace(str(response.context["form"].initial["client_key"]), "")


def swap_the_truth():
    for model in (Image, Dataset):
        real = list(model.objects.filter(origin="real").values_list("pk", flat=True))
        model.objects.update(origin="real")
        model.objects.filter(pk__in=real).update(origin="synthetic")


def test_a_frozen_study_is_previewed_by_the_very_derivatives(client_of, researcher):
    study = frozen_study(real=4, fake=4)
    browser = client_of(researcher)

    pngs = bytes_of(browser, room_of(browser, study)[0])

    expected = [image.derivative.read() for image in study.images.order_by("code")[:HANDFUL]]
    assert pngs == expected


def test_a_draft_is_previewed_by_the_bytes_a_freeze_would_make(client_of, researcher):
    study = draft_study()
    browser = client_of(researcher)
    before = bytes_of(browser, room_of(browser, study)[0])

    Freeze.objects.create(study=study).perform()

    assert set(before) == {image.derivative.read() for image in study.images.all()}


@pytest.mark.parametrize("make", [draft_study, frozen_study])
def test_only_images_of_datasets_this_person_may_see_are_shown(client_of, researcher, make):
    study = make(real=2, fake=2)
    hidden = study.strata.get(dataset__origin="real").dataset
    hidden.memberships.all().delete()

    room, _ = room_of(client_of(researcher), study)

    assert room["total"] == 2


def test_nobody_previews_who_is_no_editor_nor_once_the_study_is_open(client_of, researcher, rater):
    study, opened = draft_study(), open_study("Open", raters=[rater])
    viewed = draft_study("Viewed")
    viewed.memberships.all().delete()
    viewed.share_with(researcher, Part.VIEWER)

    refused = [client_of(researcher).get(page_of(each)).status_code for each in (opened, viewed)]

    assert refused == [404, 404]
    assert client_of(rater).get(page_of(study)).status_code == 403


def test_it_is_marked_and_leads_back_and_refuses_what_the_study_would(client_of, researcher):
    study = draft_study(ask_confidence=True, require_confidence=True)
    browser = client_of(researcher)

    room, response = room_of(browser, study)

    assert "Preview: nothing is stored." in response.content.decode()
    assert f'href="{study.get_absolute_url()}"' in response.content.decode()
    assert post_answer(browser, room).status_code == 422
    assert post_answer(browser, room, confidence="3").status_code == 200


def test_the_second_phase_asks_its_own_question(client_of, researcher):
    study = draft_study(**protocol_of("two-phase"))
    browser = client_of(researcher)

    questions = [room_of(browser, study, session=session)[1].context["question"] for session in (1, 2)]

    assert questions == [study.question(1), study.question(2)]


def test_a_draft_without_images_says_so(client_of, researcher):
    study = draft_study()
    Stratum.objects.all().delete()

    response = client_of(researcher).get(page_of(study), follow=True)

    assert "There is no image to preview yet" in response.content.decode()


@pytest.mark.e2e
@pytest.mark.django_db(transaction=True)
def test_by_keys_through_the_very_room_to_the_study_with_nothing_left_in_the_browser(
    open_browser, researcher
):
    study = draft_study(ask_confidence=True, going_back="any")
    page = open_browser(researcher)
    page.goto(page_of(study))
    before = all_rows()

    for _ in range(5):
        rate(page, "1")
    until(page, "() => document.querySelector('[data-status]').textContent === ''")
    page.keyboard.press("m")
    page.keyboard.type("Odd ribs")
    page.keyboard.press("Escape")
    page.reload()
    assert shown(page) == "1"
    for _ in range(5):
        rate(page, "2")
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{study.get_absolute_url()}")

    assert page.evaluate("() => indexedDB.databases()") == []
    assert all_rows() == before


@pytest.mark.parametrize(("make", "says_so"), [(draft_study, True), (frozen_study, False)])
def test_the_preview_of_a_draft_says_what_only_the_freeze_brings(client_of, researcher, make, says_so):
    _room, response = room_of(client_of(researcher), make())

    assert ("A draft has no common size, grey range or drawn sets yet." in response.text) is says_so


def test_the_slices_of_a_draft_are_those_that_raters_will_scroll_through(client_of, researcher):
    draft = stack_study(real=(9, 7, 9), fake=(9, 9, 9), slices=5)
    browser = client_of(researcher)

    def stacks():
        room, _ = room_of(browser, draft)
        tokens = [room["showing"]["token"], *(each["token"] for each in room["ahead"])]
        urls = [room["urls"]["slice"].replace("TOKEN", token) for token in tokens]
        return room["slices"], {tuple(slice_bytes(browser, url, room["slices"])) for url in urls}

    previewed = stacks()
    frozen(draft)

    assert previewed[0] == 5
    assert len(previewed[1]) == HANDFUL
    assert all(len(set(stack)) == 5 for stack in previewed[1])
    assert previewed == stacks()


def slice_bytes(browser, url, slices):
    responses = [browser.get(url.replace("/0.png", f"/{number}.png")) for number in range(1, slices + 1)]
    assert {response.status_code for response in responses} == {200}
    return [response.content for response in responses]
