"""Nothing that a program gets before unblinding depends on the truth: the crawl of the pages' test, over every operation.

The API is crawled twice, the second time with the truth swapped, as a rater and as an organiser.
"""

from __future__ import annotations

import io
import re
import zipfile

import pytest
from django.test import Client

from accounts.models import User
from rating.models import Study
from tests.api.callers import caller
from tests.api.test_permissions import operations
from tests.rating.blinding.test_wire import Answer, Crawl, differences, opened, put_back, swap_truth
from tests.rating.cast import organiser, rate_all

pytestmark = pytest.mark.django_db
# Whoever organises a study knows of which datasets it is, and these say so by name; all else of a study must not tell.
NAMES_DATASETS = {"get_study", "get_protocol", "list_studies"}
OF_ADMINS = {"get_key"}  # an organiser is turned away, whatever the truth
OF_A_STUDY = "/api/v1/studies/{slug}"
# When somebody looked, and the hashes over that, differ from crawl to crawl whatever the truth.
CLOCK = re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00)?|[0-9a-f]{64}|\"id\": \d+")
PACKED = (".pdf", "SHA256SUMS")  # of what stands in the other files too


@pytest.fixture
def study(rater: User) -> Study:
    return opened(rater)


def crawl(program: Client, study: Study, *, everything: bool) -> list[Answer]:
    """Every operation that reads of this study; with `everything` whatever there is to read or to do."""
    asked = Crawl(program)
    for name, method, path, _operation in operations():
        is_of_study = path.startswith(OF_A_STUDY) and name not in NAMES_DATASETS | OF_ADMINS
        if everything or (method == "get" and is_of_study):
            url = path.replace("{slug}", study.slug).replace("{kind}", "html").replace("{number}", "1")
            for place in ("{pk}", "{uuid}"):
                url = url.replace(place, "1")
            how = {} if method == "get" else {"data": {}, "content_type": "application/json"}
            asked.ask(method, url, **how)
    return [without_clock(answer) for answer in asked.seen]


def without_clock(answer: Answer) -> Answer:
    url, status, headers, body = answer
    if body.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            names = [name for name in archive.namelist() if not name.endswith(PACKED)]
            body = b"\n".join(name.encode() + archive.read(name) for name in names)
    return url, status, tuple(each for each in headers if each[0] != "Content-Length"), CLOCK.sub(b"*", body)


def both_ways(
    program: Client, study: Study, *, everything: bool = False
) -> tuple[list[Answer], list[Answer]]:
    with put_back():
        one = crawl(program, study, everything=everything)
    with put_back():
        swap_truth()
        other = crawl(program, study, everything=everything)
    return one, other


def test_a_raters_program_gets_the_same_whatever_the_truth(study, rater):
    """Raters can make no token; one that was left from another role opens nothing of a study either."""
    one, other = both_ways(caller(rater), study, everything=True)

    assert differences(one, other) == []
    assert {status for _what, status, *_rest in one if "/me" not in _what} <= {403, 404}
    assert len(one) == len(list(operations()))


@pytest.fixture
def swap_is_no_tampering(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every export says what `verify` finds, and verify rightly sees that the truth was swapped under a frozen study."""
    for check in ("verify_life", "verify_standing", "verify_manifest", "verify_derivatives", "verify_orders"):
        monkeypatch.setattr(f"rating.results.verification.{check}", lambda _study: iter(()))


@pytest.mark.usefixtures("swap_is_no_tampering")
@pytest.mark.parametrize("state", ["open", "closed"])
def test_an_organisers_program_gets_the_same_whatever_the_truth_before_unblinding(
    study, rater, researcher, state
):
    study.share_with(researcher, "owner")
    rate_all(study, rater, "real", remark="ribs")
    if state == "closed":
        study.close(organiser())

    one, other = both_ways(caller(researcher), study)

    assert differences(one, other) == []
    statuses = {status for _what, status, *_rest in one}
    assert statuses == ({200} if state == "closed" else {200, 404})


def test_the_crawl_sees_the_truth_once_it_may_be_told(study, rater, researcher):
    """Else the comparison above would prove nothing."""
    study.share_with(researcher, "owner")
    rate_all(study, rater, "real")
    study.close(organiser())
    study.unblind(organiser(), "All have read.")

    one, other = both_ways(caller(researcher), study)

    assert any("ratings.csv" in line for line in differences(one, other))
    assert any("results" in line for line in differences(one, other))
