"""The display check: eighteen squares, the size of the screen, the room; kept with each sitting, and reported."""

from __future__ import annotations

import csv
import io
import json
import uuid
import zipfile
from itertools import pairwise

import pytest
from django.urls import reverse

from rating.models import Presentation, Sitting
from rating.reading.display_check import SQUARES, display_sentences, pixel_mm
from rating.results.study_facts import facts_of
from tests.rating.bundles import bundle
from tests.rating.cast import open_study, organiser, rate_all
from tests.rating.reading.rooms import reading_study, until

pytestmark = pytest.mark.django_db
CHECK = {"width": "1920", "height": "1080", "pixel_ratio": "2", "room": "dim", "levels": ["0", "15", "240"]}


def test_the_squares_are_those_of_task_group_270():
    levels = [square.level for square in SQUARES]

    assert (len(levels), levels[0], levels[-1]) == (18, 0, 255)
    assert {after - before for before, after in pairwise(levels)} == {15}
    assert [(s.darker, s.brighter) for s in (SQUARES[0], SQUARES[1], SQUARES[-1])] == [
        (None, 5),
        (10, 20),
        (250, None),
    ]


def test_a_pixel_is_as_large_as_the_card_says():
    """A card of 53.98 mm that covers 204 CSS pixels of 2 screen pixels each."""
    assert pixel_mm({"card": 204.0, "pixel_ratio": 2.0}) == pytest.approx(53.98 / 408)
    assert pixel_mm({"pixel_ratio": 2.0}) is None


@pytest.mark.parametrize(
    ("asked", "first", "image"), [("off", 200, 200), ("offered", 200, 200), ("required", 302, 200)]
)
def test_a_required_check_stands_before_the_first_image_of_each_sitting(
    client_of, rater, asked, first, image
):
    study = open_study(raters=[rater], display_check=asked, sessions=2, washout_days=0)
    read = reverse("rating:read", args=[study.slug])
    browser = client_of(rater)

    before = browser.get(read)
    browser.post(reverse("rating:display", args=[study.slug]), CHECK)
    after = browser.get(read)
    rate_all(study, rater, "real")
    next_session = browser.get(read)

    assert (before.status_code, after.status_code, next_session.status_code) == (first, image, first)
    assert [bool(sitting.display) for sitting in Sitting.objects.order_by("session")] == [True, False]


def test_past_the_pages_too_no_image_comes_before_a_required_check(client_of, rater):
    study = open_study(raters=[rater], display_check="required")
    browser, token = client_of(rater), Presentation.objects.order_by("position")[0].token
    ahead = f"{reverse('rating:ahead', args=[study.slug])}?session=1"
    image, save = reverse("rating:presented", args=[token]), reverse("rating:rate", args=[study.slug, token])
    answer = {"label": "real", "client_key": uuid.uuid4()}

    before = [browser.get(ahead).json()["ahead"], browser.get(image).status_code]
    refused = browser.post(save, answer).status_code
    browser.post(reverse("rating:display", args=[study.slug]), CHECK)

    assert (before, refused) == ([[], 404], 404)
    assert next(facts["token"] for facts in browser.get(ahead).json()["ahead"]) == token
    assert browser.get(image).status_code == 200


def test_a_size_that_no_card_has_is_refused(client_of, rater):
    study = open_study(raters=[rater])
    page = reverse("rating:display", args=[study.slug])

    refused = [
        client_of(rater).post(page, CHECK | wrong).status_code for wrong in ({"card": "2"}, {"levels": ["7"]})
    ]

    assert refused == [422, 422]
    assert Sitting.objects.get().display == {}


def test_the_checks_stand_in_table_manifest_and_report(client_of, rater, other_rater):
    study = open_study(raters=[rater, other_rater])
    page = reverse("rating:display", args=[study.slug])
    client_of(rater).post(page, CHECK | {"card": "204"})
    everything = [str(square.level) for square in SQUARES]
    client_of(other_rater).post(page, CHECK | {"levels": everything, "room": "office"})
    for person in (rater, other_rater):
        rate_all(study, person, "real")
    study.close(organiser())

    with zipfile.ZipFile(io.BytesIO(bundle(study, "2026-11-28"))) as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("displays.csv").decode())))
        manifest = json.loads(archive.read("manifest.json"))
        report = archive.read("report.html").decode()

    assert [(row["rater"], row["squares_seen"], row["squares"]) for row in rows] == [
        ("R01", "3", "18"),
        ("R02", "18", "18"),
    ]
    assert rows[0]["levels_not_seen"].split()[:3] == ["30", "45", "60"]
    assert (rows[0]["pixel_mm"], rows[0]["image_mm"], rows[1]["pixel_mm"]) == ("0.1323", "8.5", "")
    assert manifest["displays"][0]["levels"] == [0, 15, 240]
    sentences = display_sentences(study)
    assert sentences[0] == "The display was checked in 2 of 2 sittings."
    assert "all were seen in 1 of 2 sittings; the fewest were 3." in sentences[1]
    assert facts_of(study).displays == sentences
    assert report.count(sentences[0]) >= 2  # methods and checklists


@pytest.mark.e2e
@pytest.mark.django_db(transaction=True)
def test_the_check_is_made_with_the_keyboard_alone(open_browser, rater):
    study = reading_study(raters=[rater])
    page = open_browser(rater)
    page.goto(reverse("rating:display", args=[study.slug]))

    page.get_by_role("checkbox", name="Square 1 of 18").focus()
    for _ in range(18):
        page.keyboard.press("Space")
        page.keyboard.press("Tab")
    page.keyboard.press("Space")  # the frame is as wide as my card
    page.keyboard.press("Tab")
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    frame = page.locator(".card-frame").bounding_box()
    page.get_by_role("button", name="Go on").press("Enter")
    until(page, "() => !location.pathname.endsWith('/display/')")

    display = Sitting.objects.get().display
    assert frame["width"] == pytest.approx(210, abs=1)
    assert (display["card"], len(display["levels"]), display["room"]) == (210.0, 18, "dim")
