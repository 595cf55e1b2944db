"""Every page that a rater can meet, before and after signing in, is in their language: no sentence of it is left in English."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import escape, unescape
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django import forms
from django.conf import settings
from django.core.cache import cache
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import translation
from django.utils.html import strip_tags

from accounts.models import LoginLink, User
from accounts.preferences import Preferences
from rating.models import Study
from tests.accounts.proof import PASSWORD, prove, with_password
from tests.rating.cast import open_study, over_study

pytestmark = pytest.mark.django_db
NO_MAIL = "django.core.mail.backends.dummy.EmailBackend"
# What is data, a name, or the same in every language.
DATA = re.compile(
    r"https?://\S+|\S+@\S+|/\S+/|LungRater|Rita|\bRater\b|\bUTC\b|English|Deutsch|\bIP\b|\bOwn\b|\bOver\b|R\d\d|\bEsc\b|"
    r"\bEnter\b|clear lungs|[A-Z2-7]{16,}|\b[0-9a-f]{8}\b"
)
SAME = {"Mediastinum", "Zoom", "Pause", "Name", "Browser", "Code", "Code:", "English", "Deutsch"}


OF_THE_STUDY = [
    str(Study._meta.get_field(name).get_default()) for name in ("instructions", "prevalence_note")
]


class Catalogue:
    """Stands in for Django's lookup: brackets what it translates, and keeps what has no translation."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.untranslated: set[str] = set()
        catalogue = translation._trans  # type: ignore[attr-defined]  # Django's own switch, which has no public face
        self.lookup = catalogue.gettext
        self.plural = catalogue.ngettext
        monkeypatch.setattr(catalogue, "gettext", self.gettext)
        monkeypatch.setattr(catalogue, "ngettext", self.ngettext)

    def gettext(self, words: str) -> str:
        return self._bracketed(words, self.lookup(words))

    def ngettext(self, one: str, many: str, number: int) -> str:
        return self._bracketed(one if number == 1 else many, self.plural(one, many, number))

    def _bracketed(self, words: str, answer: str) -> str:
        if answer == str(words) and re.search(r"[a-z]{3}", answer) and answer not in SAME:
            self.untranslated.add(answer)
        return f"⟦{answer}⟧" if answer.strip() else answer


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    reverse("home")  # what is translated while the site is loaded belongs to no page
    return Catalogue(monkeypatch)


def bare_english(page: str) -> list[str]:
    """Words of the page that came from no catalogue."""
    for words in OF_THE_STUDY:
        page = page.replace(escape(words), "")
    page = re.sub(r"(?s)<(script|style)\b.*?</\1>|<!--.*?-->|<svg.*?</svg>", " ", page)
    attributes = re.findall(r'(?:aria-label|title|placeholder|alt)="([^"]*)"', page)
    text = unescape(" ".join([*re.split(r"<[^>]*>", page), *attributes]))
    while "⟦" in text:
        shorter = re.sub(r"⟦[^⟦⟧]*⟧", " ", text)
        if shorter == text:
            break
        text = shorter
    return re.findall(r"[A-Za-z][a-z]{2,}(?: [a-z]+)*", DATA.sub(" ", text))


@pytest.fixture
def own(rater: User) -> Study:
    return open_study("Own", raters=[rater])


@pytest.fixture(params=["de", "ar"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def before_signing_in(browser: Client, rater: User) -> Iterator[Any]:
    link = LoginLink.issue(rater, lives=timedelta(days=1))
    yield browser.get(link)
    yield browser.get("/enter/nothing/")
    for name in ("account_login", "account_request_login_code", "account_reset_password", "account_signup"):
        yield browser.get(reverse(name))
    for name in ("account_reset_password_done", "account_inactive", "privacy_notice"):
        yield browser.get(reverse(name))
    yield browser.post(reverse("account_login"), {"login": "nobody@example.org", "password": "wrong"})
    yield browser.get(reverse("account_reset_password_from_key", args=["0", "set-password"]))
    browser.post(reverse("account_request_login_code"), {"email": rater.email})
    yield browser.get(reverse("account_confirm_login_code"))
    yield browser.get("/no/such/page/")


def after_signing_in(browser: Client, own: Study) -> Iterator[Any]:
    for name in ("rating:reading_list", "rating:preferences", "account", "second_factor", "privacy_notice"):
        yield browser.get(reverse(name))
    for name in ("account_reauthenticate", "account_change_password", "account_logout", "usersessions_list"):
        yield browser.get(reverse(name))
    yield browser.post(reverse("account_reauthenticate"), {"password": "wrong"})
    prove(browser)
    for name in ("mfa_index", "mfa_list_webauthn", "mfa_add_webauthn", "mfa_activate_totp", "prove_by_code"):
        yield browser.get(reverse(name))
    yield browser.post(reverse("prove_by_code"), {"send": "1"})
    yield browser.post(reverse("prove_by_code"), {"code": "WRONG"})
    yield browser.get(reverse("nothing_to_prove_with") + "?next=/")
    for name in ("begin", "display", "read", "leave", "debriefing"):
        yield browser.get(reverse(f"rating:{name}", args=[own.slug]), follow=True)
    yield browser.get("/studies/")
    yield browser.get("/reading/no-such-study/")


def with_factors(browser: Client, visitor: Client, rater: User) -> Iterator[Any]:
    key = Authenticator.objects.create(user=rater, type="webauthn", data={"name": "⟦key⟧", "credential": {}})
    for name in ("mfa_edit_webauthn", "mfa_remove_webauthn"):
        yield browser.get(reverse(name, args=[key.pk]))
    yield browser.get(reverse("mfa_list_webauthn"))
    key.delete()
    TOTP.activate(rater, generate_totp_secret())
    RecoveryCodes.activate(rater)
    yield browser.get(reverse("mfa_deactivate_totp"))
    for name in ("mfa_index", "mfa_view_recovery_codes", "mfa_generate_recovery_codes", "mfa_reauthenticate"):
        yield browser.get(reverse(name))
    visitor.post(reverse("account_login"), {"login": rater.email, "password": PASSWORD})
    yield visitor.get(reverse("mfa_authenticate"))


def test_no_page_that_a_rater_can_meet_has_a_sentence_in_english(
    catalogue: Catalogue,
    language: str,
    rater: User,
    own: Study,
    client_of: Callable[[User], Client],
    settings: Any,
) -> None:
    Preferences.objects.create(user=rater, language=language)
    visitor = Client(headers={"accept-language": language})
    browser = client_of(with_password(rater))
    browser.cookies[settings.LANGUAGE_COOKIE_NAME] = language

    pages = [
        *before_signing_in(visitor, rater),
        *after_signing_in(browser, own),
        *with_factors(browser, visitor, rater),
    ]
    cache.clear()
    settings.EMAIL_BACKEND = NO_MAIL
    pages += [visitor.get(reverse(name)) for name in ("account_login", "account_reset_password")]
    pages += [visitor.get("/enter/nothing/"), browser.get(reverse("account"))]

    assert all(page.status_code != 500 for page in pages)
    english = {
        page.request["PATH_INFO"]: words
        for page in pages
        if page.status_code < 300 or page.status_code >= 400
        if (words := bare_english(page.content.decode()))
    }
    assert english == {}
    assert catalogue.untranslated == set()


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "429", "500", "503"])
def test_problem_pages_are_in_the_language_of_the_reader(
    catalogue: Catalogue, language: str, name: str
) -> None:
    with translation.override(language):
        page = render_to_string(f"{name}.html", {"sentence": "⟦…⟧"})

    assert bare_english(page) == []
    assert catalogue.untranslated == set()
    direction = "rtl" if language == "ar" else "ltr"
    assert f'<html lang="{language}" dir="{direction}"' in page.replace("⟦", "").replace("⟧", "")


def test_a_visitor_chooses_the_language_in_the_footer() -> None:
    visitor = Client()

    answer = visitor.post(reverse("set_language"), {"language": "ar", "next": reverse("account_login")})

    assert answer["Location"] == reverse("account_login")
    assert '<html lang="ar" dir="rtl"' in visitor.get(answer["Location"]).text


def test_pages_that_are_in_english_only_say_so_whatever_the_browser_prefers(
    researcher: User, client_of: Callable[[User], Client]
) -> None:
    page = client_of(researcher).get("/studies/", headers={"accept-language": "ar"}).text

    assert '<html lang="en" dir="ltr"' in page


def test_a_study_that_is_over_is_read_in_ones_own_language(
    catalogue: Catalogue, language: str, rater: User, client_of: Callable[[User], Client]
) -> None:
    study = over_study("Over", raters=[rater], unblinded=True, debriefing="score")
    Preferences.objects.create(user=rater, language=language)

    page = client_of(rater).get(reverse("rating:debriefing", args=[study.slug])).text

    assert bare_english(page) == []
    assert catalogue.untranslated == set()


@pytest.mark.parametrize("language", [code for code, _ in settings.LANGUAGES])
def test_no_colon_stands_behind_the_mark_of_a_question(language: str) -> None:
    class Questions(forms.Form):
        question = forms.CharField(label=translation.gettext_lazy("What do you see?"))
        name = forms.CharField(label=translation.gettext_lazy("Name"))

    with translation.override(language):
        question, name = (strip_tags(field.label_tag()) for field in Questions())

    assert question[-1] in "?؟"
    assert name[-1] == ":"
