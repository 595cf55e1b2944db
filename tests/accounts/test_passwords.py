"""A password of the house's own words is what somebody who knows the house tries first."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts.sign_in.passwords import WORDS
from accounts.site_settings import SiteSettings

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
    page = (settings.BASE_DIR / "docs" / "sign-in.md").read_text(encoding="utf-8")
    line = next(line for line in page.splitlines() if line.startswith("`lungrater`"))

    assert set(line.replace("`", "").split(", ")) == WORDS
