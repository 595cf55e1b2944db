"""Which version of LungRater, and of what it stands on, runs here."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import django
from django.db import connection


def _own_version() -> str:
    try:
        return version("lungrater")
    except PackageNotFoundError:  # a checkout that was never installed
        return "unknown"


VERSION = _own_version()


def versions() -> dict[str, str]:
    """By name. Raises DatabaseError where the database does not answer."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        (postgres,) = cursor.fetchone()
    return {
        "LungRater": VERSION,
        "PostgreSQL": str(postgres),
        "Django": django.get_version(),
        "Python": platform.python_version(),
    }
