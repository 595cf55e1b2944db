"""What a browser and a stranger get at the edge: names of cookies, methods, and what the program is made of."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from csp.utils import build_policy
from django.conf import settings
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests.factories import make_dataset, make_image

NAMES = ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "LANGUAGE_COOKIE_NAME")
PRINT_COOKIES = f"""
import json
from lungrater import settings
names = {NAMES!r}
secure = [getattr(settings, name.replace("_NAME", "_SECURE")) for name in names]
domains = [getattr(settings, name.replace("_NAME", "_DOMAIN"), None) for name in names]
print(json.dumps([[getattr(settings, name) for name in names], secure, domains]))
"""


def test_cookies_of_production_belong_to_this_host_and_to_https_alone() -> None:
    environment = {**os.environ, "LUNGRATER_PRODUCTION": "1", "SECRET_KEY": "x" * 50}

    output = subprocess.run(
        [sys.executable, "-c", PRINT_COOKIES],
        env=environment, cwd=settings.BASE_DIR, capture_output=True, text=True, check=True, timeout=60,
    ).stdout  # fmt: skip

    names, secure, domains = json.loads(output)
    assert all(name.startswith("__Host-") for name in names)
    assert secure == [True, True, True]
    assert domains == [None, None, None]


@pytest.mark.django_db
def test_trace_is_answered_by_no_page(client: Client) -> None:
    assert client.trace("/accounts/login/").status_code == 405
    assert client.trace("/livez").status_code == 405


@pytest.mark.django_db
def test_every_answer_has_the_policy_that_django_csp_makes_of_the_settings(
    rater: User, client_of: Callable[[User], Client]
) -> None:
    reader = client_of(rater)

    answers = [reader.get(path) for path in ("/", "/livez", "/reading/none/ahead/", "/i/none")]

    assert {answer.headers["Content-Security-Policy"] for answer in answers} == {build_policy()}


def bill_of_materials(*options: str) -> dict[str, Any]:
    words = [sys.executable, "-m", "cyclonedx_py", "environment", "--output-format", "JSON", *options]

    output = subprocess.run(
        [*words, sys.executable], capture_output=True, text=True, check=True, timeout=300
    ).stdout

    return dict(json.loads(output))


def test_the_bill_of_materials_names_what_the_program_is_made_of() -> None:
    bill = bill_of_materials("--no-validate")

    names = {component["name"].lower() for component in bill["components"]}
    assert bill["bomFormat"] == "CycloneDX"
    assert {"django", "celery", "psycopg", "django-allauth"} <= names


@pytest.mark.install
def test_the_bill_of_materials_fits_the_schema_of_its_format() -> None:
    """Which cyclonedx-py itself asks, for many times as long as it takes to write the file."""
    assert bill_of_materials()["bomFormat"] == "CycloneDX"


@pytest.mark.django_db
def test_no_page_of_a_person_is_stored_and_no_answer_is_embedded_elsewhere(
    client_of: Callable[[User], Client], researcher: User
) -> None:
    browser = client_of(researcher)

    pages = [browser.get(reverse(name)) for name in ("home", "rating:studies", "pool:gallery", "account")]
    image = browser.get(reverse("pool:thumbnail", args=[make_image(make_dataset()).pk]))

    assert all("no-store" in page.headers["Cache-Control"] for page in pages)
    assert "immutable" in image.headers["Cache-Control"]
    assert {answer.headers["Cross-Origin-Resource-Policy"] for answer in [*pages, image]} == {"same-origin"}
