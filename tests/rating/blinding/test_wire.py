"""Nothing a rater is sent depends on the truth: a study is read twice, the second time with the truth swapped.

Between the two readings the database is rolled back and every real image is made a generated one and the
other way round. Every byte of HTML, JSON, headers and images must be the same but for random keys.
"""

from __future__ import annotations

import difflib
import re
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from scipy import stats

from accounts.models import User
from lungrater.privacy.my_data import my_data
from pool.models import Dataset, Image, Origin
from rating.models import Enrolment, Freeze, Presentation, Recruitment, Study
from rating.reading import payload
from rating.studies.outreach.reminders import stop_token
from rating.studies.second_questions import checked
from tests.api.callers import caller
from tests.rating.arenas import open_arena
from tests.rating.blinding.pools import arms, filled, image, study_of
from tests.rating.cast import organiser

pytestmark = pytest.mark.django_db

EACH = 4
ANSWERS = {"choice": "Pneumonia", "scale": "2", "text": "a dense hilum"}
SECOND = checked(
    [
        {
            "code": "diagnosis",
            "words": "What do you diagnose?",
            "kind": "choice",
            "is_diagnosis": True,
            "choices": ["Normal", "Pneumonia"],
            "required": True,
        },
        {"code": "quality", "words": "How good is it?", "kind": "scale", "after": True},
        {"code": "why", "words": "Why?", "kind": "text", "sessions": [1]},
    ]
)
TWO_PHASES = {"design": "two-phase", "sessions": 2, "washout_days": 0, "name": "Chest films"}
# Other each time, whatever the truth: anti-forgery tokens, the keys of saves not yet made, and the hour at which
# a washout ends.
RANDOM = re.compile(
    rb"(?<=csrfmiddlewaretoken\" value=\")[A-Za-z0-9]+"
    rb"|[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    rb"|(?<=csrftoken=)[^;]+"
    rb"|(?<=sessionid=)[^;]+"
    rb"|(?<=expires=)[^;]+"
    rb"|\d\d:\d\d UTC"
)

Answer = tuple[str, int, tuple[tuple[str, str], ...], bytes]


class Crawl:
    """A rater's browser that keeps whatever came over the wire."""

    def __init__(self, browser: Client) -> None:
        self.browser = browser
        self.seen: list[Answer] = []

    def ask(self, method: str, url: str, **how: Any) -> Any:
        response = getattr(self.browser, method)(url, **how)
        cookies = sorted(RANDOM.sub(b"*", c.OutputString().encode()) for c in response.cookies.values())
        # What no browser may keep expires now, by the clock.
        clock = {"Expires": "now"} if "Expires" in response.headers else {}
        headers = tuple(sorted({**response.headers, **clock}.items()))
        content = b"".join(response.streaming_content) if response.streaming else response.content
        body = RANDOM.sub(b"*", content) + b"".join(cookies)
        self.seen.append((f"{method} {url}", response.status_code, headers, body))
        return response


def read_it_all(browser: Client, study: Study) -> list[Answer]:
    """Every page, image and answer a rater can come by in a study, read to its end, session after session."""
    crawl = Crawl(browser)
    for session in range(1, study.sessions + 1):
        read_session(crawl, study, session)
    return crawl.seen


def read_session(crawl: Crawl, study: Study, session: int) -> None:
    browser = crawl.browser
    page, json = {"accept": "text/html"}, {"accept": "application/json"}
    shown = Presentation.objects.filter(sitting__enrolment__study=study, sitting__session=session).order_by(
        "position"
    )
    tokens = list(shown.values_list("token", flat=True))
    for name in ("reading_list", "preferences"):
        crawl.ask("get", reverse(f"rating:{name}"), headers=page)
    if session > 1:
        crawl.ask("post", reverse("rating:begin", args=[study.slug]), data={"consent": "on"}, headers=page)
    for name in ("begin", "display", "read"):
        crawl.ask("get", reverse(f"rating:{name}", args=[study.slug]), headers=page)
    crawl.ask(
        "post",
        reverse("rating:display", args=[study.slug]),
        data={"room": "dim", "levels": "0"},
        headers=page,
    )
    Recruitment.objects.get_or_create(study=study, defaults={"token": "door", "is_open": True})
    for url in (
        f"{reverse('rating:take_part', args=['door'])}?PROLIFIC_PID=1",
        reverse("rating:stop_reminders", args=[stop_token(study.enrolments.get())]),
    ):
        crawl.ask("get", url, headers=page)
    for position, token in enumerate(tokens, start=1):
        crawl.ask("get", reverse("rating:read", args=[study.slug]), headers=page)
        crawl.ask("get", reverse("rating:ahead", args=[study.slug]), headers=json)
        crawl.ask("get", reverse("rating:at", args=[study.slug, position]), headers=json)
        for url in payload.image_urls(study, token):
            crawl.ask("get", url)
        save = {
            "label": study.question(session).values[1],
            "remark": "ribs",
            "client_key": str(uuid.uuid5(uuid.NAMESPACE_URL, token)),
        }
        save |= {f"second_{each.code}": ANSWERS[each.kind] for each in study.second_questions_of(session)}
        save["account"] = str(browser.session["_auth_user_id"])
        rate = reverse("rating:rate", args=[study.slug, token])
        crawl.ask("post", rate, data={**save, "label": ""}, headers=page)
        crawl.ask("post", rate, data=save, headers=json if position % 2 else page)
        crawl.ask("get", reverse("rating:at", args=[study.slug, position]), headers=page)
    crawl.ask("get", reverse("rating:read", args=[study.slug]), headers=page)
    if study.ask_usability and session == study.sessions:
        for method in ("get", "post"):
            crawl.ask(method, reverse("rating:usability", args=[study.slug]), headers=page)
    for url in (study.get_absolute_url(), reverse("rating:analysis", args=[study.slug])):
        crawl.ask("get", url, headers=page)


@contextmanager
def put_back() -> Iterator[None]:
    """Undo what is done inside."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def swap_truth() -> None:
    """Every real image and dataset becomes a generated one, the other way round, with all that goes with it."""
    generated = list(Image.objects.filter(origin=Origin.SYNTHETIC).values_list("pk", flat=True))
    Image.objects.exclude(pk__in=generated).update(
        origin=Origin.SYNTHETIC, label="covid", provenance={"engine": "diffusion", "prompt": "chest x-ray"}
    )
    Image.objects.filter(pk__in=generated).update(origin=Origin.REAL, label="normal", provenance={})
    for dataset in Dataset.objects.all():
        real = dataset.origin == Origin.REAL
        dataset.origin = Origin.SYNTHETIC if real else Origin.REAL
        dataset.name = f"{'fakes of a model' if real else 'hospital'} {dataset.pk}"
        dataset.save()


def differences(one: list[Answer], other: list[Answer]) -> list[str]:
    """What was asked where the answers differ, with the lines that do."""
    assert [answer[0] for answer in one] == [answer[0] for answer in other]
    return [f"{a[0]}: {unlike(a, b)}" for a, b in zip(one, other, strict=True) if a != b]


def unlike(a: Answer, b: Answer) -> list[str]:
    one, other = ([*map(str, answer[1:3]), *map(str, answer[3].splitlines())] for answer in (a, b))
    lines = difflib.unified_diff(one, other, n=0, lineterm="")
    return [line for line in lines if line[0] in "+-" and line not in ("--- ", "+++ ")]


@pytest.fixture
def study(rater: User) -> Study:
    return opened(rater)


def opened(
    rater: User, fakes: int = EACH, attributes: dict[str, Any] | None = None, **protocol: Any
) -> Study:
    real, fake = arms(each=max(EACH, fakes), of=lambda number: image(number, side=64))
    pools = filled(Origin.REAL, real[:EACH]), filled(Origin.SYNTHETIC, fake[:fakes])
    if attributes:
        Image.objects.update(provenance=attributes)
    study = study_of(*pools, canvas=64, **protocol)
    Enrolment.enrol(study, rater).consent()
    Freeze.objects.create(study=study).perform()
    study.refresh_from_db()
    study.open(organiser())
    return study


def crawled_both_ways(study: Study, browser: Client) -> tuple[list[Answer], list[Answer]]:
    with put_back():
        as_drawn = read_it_all(browser, study)
    with put_back():
        swap_truth()
        swapped = read_it_all(browser, study)
    return as_drawn, swapped


def test_no_byte_on_the_wire_depends_on_the_truth(study, rater, client_of):
    one, other = crawled_both_ways(study, client_of(rater))

    assert differences(one, other) == []
    assert len(one) == 11 + 7 * 2 * EACH
    assert sum(dict(headers).get("Content-Type") == "image/png" for _, _, headers, _ in one) == 2 * EACH


@pytest.mark.parametrize(
    ("fakes", "protocol", "presentations", "images"),
    [
        (EACH, {"design": "pair"}, EACH, 2),
        (EACH, {"design": "pair", "sought": "fake"}, EACH, 2),
        (3 * EACH, {"design": "quartet"}, EACH, 4),
        (EACH, TWO_PHASES | {"second_questions": SECOND, "ask_usability": True}, 2 * EACH, 1),
    ],
)
def test_nor_does_it_in_a_study_of_another_design(rater, client_of, fakes, protocol, presentations, images):
    study = opened(rater, fakes, primary_endpoint="accuracy", **protocol)

    one, other = crawled_both_ways(study, client_of(rater))

    assert differences(one, other) == []
    sessions = study.sessions
    assert (
        len(one) == (11 + (6 + images) * presentations) * sessions + (sessions - 1) + 2 * study.ask_usability
    )
    shown = sum(dict(headers).get("Content-Type") == "image/png" for _, _, headers, _ in one)
    assert shown == images * presentations * sessions


def test_what_the_pool_knows_of_a_patient_never_reaches_a_rater(rater, client_of):
    secrets = {
        "sex": "zqsexq",
        "age_band": "zqageq",
        "view": "zqviewq",
        "site": "zqsiteq",
        "smoker": "zqsmokerq",
        "attributes": {"zqcolumnq": "zqscannerq"},
    }
    study = opened(rater, attributes=secrets)
    program = caller(rater)

    with put_back():
        sent = [repr(answer).encode() for answer in read_it_all(client_of(rater), study)]
    with my_data(rater) as file, zipfile.ZipFile(file) as exported:
        sent += [exported.read(name) for name in exported.namelist()]
    for place in ("me", "datasets", f"studies/{study.slug}", "images", f"images/{Image.objects.all()[0].pk}"):
        sent.append(program.get(f"/api/v1/{place}").content)

    assert Image.objects.filter(provenance__sex="zqsexq").count() == 2 * EACH
    assert len(sent) > 11 + 7 * 2 * EACH + 5
    words = [*(word for word in secrets.values() if isinstance(word, str)), "zqcolumnq", "zqscannerq"]
    assert not [body for body in sent if any(word.encode() in body for word in words)]


def swap_generators(names: tuple[str, str]) -> None:
    """What one generator made is the other's, with its dataset, its finding and its record."""
    first, second = (Dataset.objects.get(name__endswith=name) for name in names)
    of_first = list(first.images.values_list("pk", flat=True))
    records = [
        Image.objects.filter(dataset=each).values("origin", "label", "provenance")[0]
        for each in (first, second)
    ]
    Image.objects.filter(dataset=second).update(dataset=first, **records[0])
    Image.objects.filter(pk__in=of_first).update(dataset=second, **records[1])


@pytest.mark.parametrize(("names", "must_choose"), [(("A", "B"), False), (("A", "real images"), True)])
def test_nor_does_it_tell_the_generator_in_an_arena(rater, client_of, names, must_choose):
    study = open_arena(
        counts=dict.fromkeys(names, EACH), raters=[rater], must_choose=must_choose, name="Which?"
    )
    browser = client_of(rater)

    with put_back():
        one = read_it_all(browser, study)
    with put_back():
        swap_generators(names)
        other = read_it_all(browser, study)

    assert differences(one, other) == []
    assert len(one) == 11 + (6 + 2) * EACH
    assert not [body for _, _, _, body in one if b"phantom" in body or b"Which? A" in body]


@pytest.mark.parametrize(
    "leak",
    [
        lambda image: {"origin": image.origin},
        lambda image: {"hint": "" if image.origin == Origin.REAL else " "},
        lambda image: {"dataset": image.dataset.name},
    ],
)
def test_the_crawl_sees_a_leak_of_one_byte(study, rater, client_of, monkeypatch, leak):
    told = payload.public_facts
    for module in ("rating.reading.payload", "rating.views.sitting"):
        monkeypatch.setattr(
            f"{module}.public_facts",
            lambda p: {**told(p), **leak(Image.objects.get(pk=p.study_image.image_id))},
        )

    one, other = crawled_both_ways(study, client_of(rater))

    assert differences(one, other)


def test_the_same_pixels_give_the_same_image_whichever_arm_they_stand_in():
    pixels, others = arms(each=EACH, of=lambda number: image(number, side=64))
    images = []
    for name, real, fake in (("One", pixels, others), ("Swapped", others, pixels)):
        study = study_of(filled(Origin.REAL, real), filled(Origin.SYNTHETIC, fake), name=name, canvas=64)
        Freeze.objects.create(study=study).perform()
        images.append(dict(study.images.values_list("image__pixel_sha256", "derivative_sha256")))

    assert images[0] == images[1]
    assert len(images[0]) == 2 * EACH


def test_every_image_comes_with_the_same_headers(study, rater, client_of):
    with put_back():
        answers = read_it_all(client_of(rater), study)

    headers = {
        tuple(h for h in headers if h[0] != "Content-Length")
        for what, status, headers, _ in answers
        if what.startswith("get /i/") and status == 200
    }
    assert len(headers) == 1
    names = {name for name, _ in headers.pop()}
    assert not names & {"ETag", "Last-Modified", "Content-Disposition", "Server-Timing", "X-Request-Id"}


def test_nobody_else_finds_anything_and_nothing_looks_alike(study, rater, other_rater, client_of, researcher):
    own = Presentation.objects.get(sitting__enrolment__study=study, position=1).token
    answers = set()
    for browser in (Client(), client_of(other_rater), client_of(researcher)):
        for token in (own, "no-such-token"):
            response = browser.get(reverse("rating:presented", args=[token]))
            answers.add((response.status_code, response.content, len(response.content)))

    assert len(answers) == 1
    assert answers.pop()[0] == 404


def test_an_image_takes_as_long_whatever_it_is(study, rater, client_of):
    browser = client_of(rater)
    shown = Presentation.objects.filter(sitting__enrolment__study=study).order_by("position")
    reachable = list(shown.select_related("study_image__image")[:5])
    times: dict[str, list[float]] = {"real": [], "synthetic": []}
    for _ in range(40):
        for presentation in reachable:
            began = time.perf_counter()
            browser.get(reverse("rating:presented", args=[presentation.token]))
            times[presentation.study_image.image.origin].append(time.perf_counter() - began)

    result = stats.mannwhitneyu(times["real"], times["synthetic"])
    auc = result.statistic / (len(times["real"]) * len(times["synthetic"]))

    # By luck the AUC of 200 times strays 0.04 from a half; a file fetched lazily would give 1.
    assert 0.3 < auc < 0.7


def test_a_crawl_is_the_same_twice(study, rater, client_of: Callable[[User], Client]):
    """Else the comparison above would prove nothing."""
    browser = client_of(rater)
    with put_back():
        one = read_it_all(browser, study)
    with put_back():
        again = read_it_all(browser, study)

    assert differences(one, again) == []
