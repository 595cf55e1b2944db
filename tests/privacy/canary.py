"""A person whose name and address are like nobody else's, who has been everywhere in the site; and a search for them."""

from __future__ import annotations

import io
import pickle
import uuid
import zipfile
import zlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.urls import reverse

import audit
from accounts.models import LoginLink, User
from accounts.preferences import Preferences
from audit.actors import acting, at_the_command_line
from rating.models import Rating, Study
from rating.results.cache import ResultCache
from rating.studies.second_questions import checked
from tests.rating.bundles import bundle
from tests.rating.cast import open_study, organiser, presentations, rate_all

ADDRESS, NAME, FIELD = "carla.canary@zq-hospital.example", "Carla Quetzalcanary", "canaryology"
WORDS = (ADDRESS, "Quetzalcanary", FIELD)


def canary_everywhere(client_of: Callable[[User], Client]) -> tuple[User, Study]:
    """The person and the closed study they rated in: signed in, failed to, enrolled, quoted, in a session, in a log file."""
    first_name, last_name = NAME.split()
    person = User.objects.create_user(
        ADDRESS, "a long-enough passphrase 7", first_name=first_name, last_name=last_name
    )
    study = open_study(
        raters=[person], second_questions=checked([{"code": "why", "words": "Why?", "kind": "text"}])
    )
    enrolment = study.enrolments.get()
    enrolment.consent(years=12, subspecialty=FIELD, ai_knowledge="used")
    browser = client_of(person)
    browser.get(reverse("account"))
    stranger = Client()
    stranger.post(reverse("account_login"), {"login": ADDRESS, "password": "wrong"})
    stranger.post(reverse("account_request_login_code"), {"email": ADDRESS})
    EmailAddress.objects.get_or_create(user=person, email=ADDRESS)
    Authenticator.objects.create(user=person, type="webauthn", data={"name": f"Key of {NAME}"})
    SocialAccount.objects.create(
        user=person, provider="clinic", uid="1", extra_data={"name": NAME, "email": ADDRESS}
    )
    Preferences.objects.create(user=person, theme="light")
    LoginLink.issue(person, lives=timedelta(days=1))
    audit.record(study, organiser(), "was refused", reason=f"{ADDRESS} is R01 of this study already.")
    with acting(at_the_command_line()):
        audit.record(person, person, "changed a role", role="rater")
    rate_all(study, person, "real", remark="clear lungs")
    last = presentations(study, person)[-1]
    Rating.record(
        last,
        uuid.uuid4(),
        replaces=last.rating.client_key,
        label="fake",
        remark=f"Ask {NAME}, {ADDRESS}, about it",
        second_texts={"why": f"{NAME} has seen it before"},
    )
    study.close(organiser())
    ResultCache(study).columns()
    log = Path(settings.HOME.logs) / "web.log"
    log.write_text(f"2026-11-28 INFO an older line about {ADDRESS}\n2026-11-28 INFO next line\n")
    return person, study


def places_of_canary() -> list[str]:
    """Every table, file and log of the home in which a word of the canary stands, read by means of the test's own."""
    return [*_tables(), *_files(Path(settings.HOME.root))]


def _tables() -> list[str]:
    """Each row of each table as PostgreSQL prints it, all columns; sessions decoded."""
    names = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT string_agg(t::text, chr(10)) FROM "{table}" t')
            if _has_canary((cursor.fetchone()[0] or "").encode()):
                names.append(table)
    sessions = [str(session.get_decoded()) for session in Session.objects.all()]
    return names + (["sessions"] if _has_canary(" ".join(sessions).encode()) else [])


def _files(root: Path) -> list[str]:
    """Every file but the database's own, whose rows are read above; zlib streams and arrays opened."""
    places = []
    for path in root.rglob("*"):
        if path.is_file() and "postgres" not in path.relative_to(root).parts:
            content = path.read_bytes()
            if _has_canary(content) or any(_has_canary(text) for text in _opened(path, content)):
                places.append(str(path.relative_to(root)))
    return places


def _opened(path: Path, content: bytes) -> list[bytes]:
    if path.suffix in {".npz", ".zip"}:
        with zipfile.ZipFile(path) as archive:
            members = [archive.read(name) for name in archive.namelist()]
        return [*members, *(member.replace(b"\0", b"") for member in members)]  # numpy's text is UTF-32
    if path.suffix == ".djcache":
        file = io.BytesIO(content)
        pickle.load(file)  # when it expires; any byte of that may look like the beginning of a zlib stream
        return [zlib.decompress(file.read())]
    return []


def exports_of(study: Study) -> bytes:
    """What leaves the site of this study, uncompressed."""
    with zipfile.ZipFile(io.BytesIO(bundle(study, "2026-11-28"))) as archive:
        return b"\n".join(archive.read(name) for name in archive.namelist() if not name.endswith(".pdf"))


def _has_canary(content: bytes) -> bool:
    low = content.lower()
    return any(word.lower().encode() in low for word in WORDS)
