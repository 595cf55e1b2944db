"""A password of the house's own words is what somebody who knows the house tries first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as of_the_site
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.sign_in.passwords import WORDS
from accounts.site_settings import SiteSettings
from tests.accounts.proof import with_password

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "password", ["LungRater2026!", "radiology-study-1", "Passwort!Klinikum", "Charitable-42-lung"]
)
def test_a_password_of_words_to_be_expected_is_refused(password: str) -> None:
    SiteSettings(pk=1, name="Charitable Lungs").save()

    with pytest.raises(ValidationError, match="expected here"):
        validate_password(password)


@pytest.mark.parametrize(
    "password", ["my lung holds seven teapots", "correct horse battery staple", "q7#Kd!93zLw0$x"]
)
def test_a_password_with_enough_beside_them_is_taken(password: str) -> None:
    validate_password(password)


def test_the_words_are_those_of_the_docs() -> None:
    page = (of_the_site.BASE_DIR / "docs" / "sign-in.md").read_text(encoding="utf-8")
    line = next(line for line in page.splitlines() if line.startswith("`lungrater`"))

    assert set(line.replace("`", "").split(", ")) == WORDS


@pytest.mark.parametrize(("backend", "is_offered"), [("dummy", False), ("locmem", True)])
@pytest.mark.parametrize("page", ["account_reauthenticate", "account_change_password", "account_login"])
def test_a_forgotten_password_is_set_anew_only_where_mail_brings_the_link(
    client_of: Callable[[User], Client], rater: User, settings: Any, page: str, backend: str, is_offered: bool
) -> None:
    settings.EMAIL_BACKEND = f"django.core.mail.backends.{backend}.EmailBackend"
    browser = Client() if page == "account_login" else client_of(with_password(rater))

    words = browser.get(reverse(page)).content.decode()

    assert 'type="password"' in words
    assert ("Forgot your password?" in words) is is_offered
