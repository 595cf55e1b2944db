"""The cast of every test, and the real servers they play on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import translation
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from accounts.models import SiteSettings, User
from accounts.roles import Role
from lungrater.embedded import postgres
from lungrater.embedded.home import Home
from lungrater.embedded.owner import become_owner
from lungrater.embedded.running import running
from lungrater.embedded.urls import environment_value
from tests.prepared_tables import take_tables

# How long an example takes says how busy the machine is, not whether the example holds.
hypothesis_settings.register_profile(
    "busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("busy machine")

pytest_plugins = [
    "tests.chromium",
    "tests.decoders",
    "tests.rating.blinding.leak_table",
    "tests.without_shared",
    "tests.order",
    "tests.work_done_once",
]


@pytest.fixture(scope="session")
def servers() -> Iterator[None]:
    """PostgreSQL and Redis, started by the code that `lungrater up` starts them with, or those of the environment."""
    home = Home.from_environment()
    home.prepare()
    if not environment_value("DATABASE_URL"):
        take_tables(home)
        connection.settings_dict["TEST"]["TEMPLATE"] = postgres.DATABASE
    with running(who="pytest"):
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(servers: None, django_db_modify_db_settings_parallel_suffix: None) -> None:
    """The database must answer before Django makes its test database in it, one for each process of xdist: as the owner."""
    become_owner()


@pytest.fixture(scope="session", autouse=True)
def documentation_of_a_page() -> Iterator[None]:
    """Whether or not this checkout's documentation was built, a test meets the same."""
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(settings, "DOCS_DIR", Path(__file__).parent / "data" / "docs")
        yield


@pytest.fixture(scope="session", autouse=True)
def passwords_hashed_once() -> Iterator[None]:
    """By the site's own hasher, but for its rounds: they make a guess dear, and what a test says does not turn on them."""
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(PBKDF2PasswordHasher, "iterations", 1)
        yield


@pytest.fixture
def rater(db: None) -> User:
    return User.objects.create_user("rater@example.org", first_name="Rita", last_name="Rater")


@pytest.fixture
def other_rater(db: None) -> User:
    return User.objects.create_user("other@example.org", first_name="Otto", last_name="Other")


@pytest.fixture
def stranger(db: None) -> User:
    """A rater of no study at hand."""
    return User.objects.create_user("stranger@example.org")


@pytest.fixture
def researcher(db: None) -> User:
    return User.objects.create_user("researcher@example.org", role=Role.RESEARCHER)


@pytest.fixture
def admin(db: None) -> User:
    return User.objects.create_user("admin@example.org", role=Role.ADMIN)


@pytest.fixture
def client_of() -> Callable[[User], Client]:
    """A browser in which this person has signed in."""

    def signed_in(user: User) -> Client:
        client = Client()
        client.force_login(user, backend="accounts.sign_in.backend.SignInBackend")
        return client

    return signed_in


@pytest.fixture(autouse=True)
def nothing_of_another_test() -> None:
    """A process goes by the site's settings of the last seconds, a thread by the language it last spoke, and limits on
    signing in by a cache of files: no rollback takes them back."""
    SiteSettings.forget_recent()
    translation.deactivate()
    cache.clear()


@pytest.fixture(autouse=True)
def trained_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are trained in the test's own process, which spares seconds; test_training_apart.py uses real ones."""

    def here(*words: Any, **options: Any) -> Path:
        from generation.diffusion.run import train

        return train(*words, **options)

    monkeypatch.setattr("generation.training.runner.train_apart", here)
