"""A person's own data: all of it, in two forms, and nothing that would tell which images are real."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from lungrater.privacy.my_data import my_data
from rating.models import RatingRevision, StudyImage
from tests.privacy.canary import ADDRESS, NAME, canary_everywhere
from tests.rating.cast import open_study, over_study, rate_all

pytestmark = pytest.mark.django_db


def opened(response: Any) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content))) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def downloaded(browser: Client) -> dict[str, str]:
    return opened(browser.post(reverse("own_data")))


def test_all_that_the_site_holds_on_a_person_is_in_their_zip(client_of: Callable[[User], Client]) -> None:
    person, study = canary_everywhere(client_of)

    files = downloaded(client_of(person))

    tables = {
        name.removesuffix(".json"): json.loads(text) for name, text in files.items() if name.endswith(".json")
    }
    assert tables["account"][0]["address"] == ADDRESS
    assert tables["account"][0]["second_factors"][0]["type"] == "webauthn"
    assert tables["enrolments"][0]["subspecialty"] == "canaryology"
    assert len(tables["ratings"]) == RatingRevision.objects.count() == 7
    assert tables["identity_providers"][0]["extra_data"]["email"] == ADDRESS
    assert any(NAME in row["remark"] for row in tables["ratings"])
    assert {"failed to sign in", "changed a role", "consented", "enrolled"} <= {
        row["action"] for row in tables["events"]
    }
    assert any(row["table"] == "rating_enrolment" for row in tables["references"])
    assert study.instructions in files[f"consents/{study.slug}.txt"]
    for name, rows in tables.items():
        assert len(list(csv.DictReader(io.StringIO(files[f"{name}.csv"], newline="")))) == len(rows)


def test_nothing_tells_the_truth_and_of_an_open_study_no_image_is_named(
    client_of: Callable[[User], Client], rater: User
) -> None:
    study = open_study(raters=[rater])
    rate_all(study, rater, "unsure")

    content = "".join(downloaded(client_of(rater)).values())

    assert "synthetic" not in content
    assert not any(dataset in content for dataset in study.strata.values_list("dataset__name", flat=True))
    assert not any(code in content for code in StudyImage.objects.values_list("code", flat=True))


def test_the_answers_of_others_are_not_in_it(
    client_of: Callable[[User], Client], rater: User, other_rater: User
) -> None:
    over_study(raters=[rater, other_rater])

    files = downloaded(client_of(rater))

    assert {row["label"] for row in json.loads(files["ratings.json"])} == {"real"}
    assert "R02" not in "".join(files.values())
    assert other_rater.email not in "".join(files.values())


def test_the_number_of_queries_does_not_grow_with_the_ratings() -> None:
    counts = []
    for name, images in (("Small", 3), ("Large", 30)):
        person = User.objects.create_user(f"{name}@example.org")
        study = open_study(name, raters=[person], real=images, fake=images)
        rate_all(study, person, "real")
        with CaptureQueriesContext(connection) as queries:
            my_data(person).close()
        counts.append(len(queries))

    assert counts[0] == counts[1]
