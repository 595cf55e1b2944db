"""The client's own calls against the site: the README's first hour, and tries that cannot double."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from PIL import Image as Pillow

from accounts.models import PersonalToken, User
from lungrater.client import Client, OtherSiteError, ProblemError
from pool.models import Dataset, Image, ImportJob
from rating.models import Enrolment, Freeze, Study
from tests.api.callers import EVERY_SCOPE, act_header
from tests.factories import make_pixels
from tests.rating.cast import rate_all

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """As Django's own test client does: a request's end must not end the test's connection."""
    ends = (request_started, request_finished)
    for signal in ends:
        signal.disconnect(close_old_connections)
    yield
    for signal in ends:
        signal.connect(close_old_connections)


class Broken(httpx2.WSGITransport):
    """A network that loses the answers of the first requests, after the site has dealt with them."""

    def __init__(self, lost: int) -> None:
        super().__init__(app=WSGIHandler())
        self.lost, self.sent = lost, 0

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        response = super().handle_request(request)
        self.sent += 1
        if self.sent <= self.lost:
            raise httpx2.ReadError("the answer was lost")
        return response


def site_of(person: User, *, lost: int = 0) -> Client:
    _token, secret = PersonalToken.issue(
        person, name="a script", lives=timedelta(days=1), scopes=EVERY_SCOPE, proof="password"
    )
    return Client("http://localhost", secret, transport=Broken(lost), pause=lambda _seconds: None)


def sent_by(site: Client) -> int:
    """How many requests have left it."""
    network: Any = site.transport.http._transport
    return int(network.sent)


def images(folder: Path, start: int, count: int = 3) -> list[Path]:
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{number}.png" for number in range(start, start + count)]
    for number, path in enumerate(paths, start):
        Pillow.fromarray(make_pixels(side=64, seed=number)).save(path)
    return paths


def done_by_a_worker() -> None:
    for job in [*ImportJob.objects.waiting(), *Freeze.objects.waiting()]:
        job.perform()


def test_the_first_hour_by_script(researcher, rater, tmp_path):
    site = site_of(researcher)
    for name, origin, start in (("Hospital A", "real", 0), ("Model B", "synthetic", 100)):
        (key,) = site.push_images(name, images(tmp_path / origin, start), origin=origin, modality="xray")
        done_by_a_worker()
        assert site.wait("import", key)["imported"] == 3

    slug = site.create_study(
        {
            "name": "Chest films",
            "canvas": 64,
            "strata": [{"dataset": "Hospital A", "count": 3}, {"dataset": "Model B", "count": 3}],
        }
    )
    site.invite(slug, [rater.email])
    site.freeze(slug)
    done_by_a_worker()
    study = Study.objects.get(slug=slug)
    if study.blinding_audit.stops_opening:
        study.blinding_audit.override(researcher, "Six images of noise.")
    site.open(slug)
    Enrolment.objects.get().consent()
    rate_all(study, rater, "fake")
    progress = site.progress(slug)
    site.close(slug, name="Chest films", act_token=act_header(researcher)["act-token"])
    site.unblind(slug, reason="All have read.", act_token=act_header(researcher)["act-token"])
    ratings = site.ratings(slug)

    assert (progress[0]["rater"], progress[0]["pace"]) == ("R01", "finished")
    assert sorted(ratings["truth"]) == ["fake"] * 3 + ["real"] * 3
    assert set(ratings["label"]) == {"fake"}
    assert site.results(slug)["truth"]["per_rater"][0]["fool_rate"]["estimate"] == 0.0
    assert site.protocol(slug)["strata"][1]["dataset"] == "Model B"


@pytest.mark.parametrize("lost", [1, 4])
def test_a_create_whose_answer_is_lost_is_tried_again_and_done_once(researcher, lost):
    site = site_of(researcher, lost=lost)

    dataset = site.transport.create("/datasets", json={"name": "A", "origin": "real", "modality": "ct"})

    assert Dataset.objects.get().pk == dataset["id"]
    assert sent_by(site) == lost + 1


def test_after_five_tries_the_client_gives_up(researcher):
    with pytest.raises(httpx2.ReadError):
        site_of(researcher, lost=5).me()


def test_an_act_is_never_sent_twice(researcher):
    site = site_of(researcher, lost=1)

    with pytest.raises(httpx2.ReadError):
        site.transport.act("/studies/nothing/open")
    assert sent_by(site) == 1


def test_pushing_again_after_a_failure_sends_what_is_missing(researcher, tmp_path):
    site = site_of(researcher)
    paths = images(tmp_path / "real", 0)
    site.push_images("A", paths[:1], origin="real", modality="xray")
    done_by_a_worker()

    again = site.push_images("A", paths)
    done_by_a_worker()
    third = site.push_images("A", paths)

    assert (len(again), third) == (1, [])
    assert Image.objects.count() == 3


def test_a_refusal_is_the_sites_own_sentence(researcher):
    with pytest.raises(ProblemError, match="Select a valid choice") as refusal:
        site_of(researcher).dataset("A", origin="dreamt", modality="xray")

    assert refusal.value.status == 422
    assert list(refusal.value.errors) == ["origin"]


def test_a_busy_site_is_asked_again_when_it_says(researcher):
    waits: list[float] = []
    answers: Any = iter(
        [httpx2.Response(429, headers={"Retry-After": "7"}), httpx2.Response(200, json={"a": 1})]
    )
    site = Client(
        "http://localhost",
        "x",
        transport=httpx2.MockTransport(lambda _request: next(answers)),
        pause=waits.append,
    )

    assert site.me() == {"a": 1}
    assert waits == [7.0]


def answering(*answers: httpx2.Response, pause: Callable[[float], None]) -> tuple[Client, list[httpx2.URL]]:
    """A client whose site gives these answers one after another, and the addresses that were asked."""
    left, addresses = iter(answers), list[httpx2.URL]()

    def answer(request: httpx2.Request) -> httpx2.Response:
        addresses.append(request.url)
        return next(left)

    site = Client("https://here.example", "x", transport=httpx2.MockTransport(answer), pause=pause)
    return site, addresses


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 60.0),
        ("soon", 1.0),
        ("nan", 0.0),
        ("9e99", 60.0),
    ],
)
def test_the_wait_that_a_site_asks_for_is_a_date_or_seconds_and_never_above_a_minute(header, wait):
    busy = httpx2.Response(503, headers={"Retry-After": header})
    at_work = httpx2.Response(200, headers={"Retry-After": header}, json={"state": "running"})
    done = httpx2.Response(200, json={"state": "succeeded"})
    waits: list[float] = []
    site, _addresses = answering(busy, at_work, done, pause=waits.append)

    site.wait("import", 1)

    assert waits == [wait, 2.0 if header == "soon" else wait]


@pytest.mark.parametrize(
    "address",
    [
        "https://there.example/api/v1/datasets?cursor=x",
        "//there.example/api/v1/datasets",
        "http://here.example/api/v1/datasets",
        "https://here.example:8443/api/v1/datasets",
    ],
)
def test_a_page_that_leads_to_another_site_is_not_followed(address):
    page = httpx2.Response(200, json={"results": [{"id": 1}], "next": address})
    site, addresses = answering(page, pause=lambda _seconds: None)

    with pytest.raises(OtherSiteError, match="which gets no token"):
        site.datasets()

    assert len(addresses) == 1


def test_a_list_is_followed_on_its_own_site_and_not_for_ever(monkeypatch):
    monkeypatch.setattr("lungrater.client.transport.MOST_PAGES", 2)
    address = "https://here.example/api/v1/datasets?cursor=x"
    pages = [httpx2.Response(200, json={"results": [{"id": n}], "next": address}) for n in range(3)]
    site, addresses = answering(*pages, pause=lambda _seconds: None)

    with pytest.raises(RuntimeError, match="did not end"):
        site.datasets()

    assert [str(url) for url in addresses] == ["https://here.example/api/v1/datasets", address, address]


def test_files_that_were_refused_or_are_duplicates_are_sent_once(researcher, tmp_path):
    site = site_of(researcher)
    broken, image, copy = (tmp_path / name for name in ("broken.png", "image.png", "copy.png"))
    broken.write_bytes(b"no image at all")
    pixels = Pillow.fromarray(make_pixels(seed=5))
    pixels.save(image)
    pixels.save(copy, compress_level=1)
    site.push_images("A", [broken, image, copy], origin="real", modality="xray")
    done_by_a_worker()

    again = site.push_images("A", [broken, image, copy])
    asked_for = site.push_images("A", [broken, image, copy], with_outcomes=True)

    assert again == []
    assert [upload.name for upload in ImportJob.objects.get(pk=asked_for[0]).uploads.all()] == [
        "broken.png",
        "copy.png",
    ]
