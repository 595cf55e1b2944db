"""A home that holds the demo and nobody's work, made empty again."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from django.core.management.base import CommandError
from django.db import connections

from accounts.models import User
from lungrater.embedded import lock
from lungrater.embedded.home import Home
from lungrater.embedded.migrate import migrate_if_needed
from lungrater.embedded.running import running
from lungrater.embedded.urls import environment_value
from pool.models import Dataset
from rating.models import Rating, Study

COMMAND = "lungrater demo reset"
# Nobody can sign in as these: simulated raters and machines.
STAND_INS = "@lungrater.invalid"


@dataclass(frozen=True)
class Content:
    people: int  # who are no made-up people
    datasets: int
    studies: int
    ratings: int


def content_of(home: Home) -> Content:
    """What a stopped home holds.

    Raises CannotStartError where the site runs on it, CommandError where there is nothing or where others keep the data.
    """
    for name in ("DATABASE_URL", "REDIS_URL", "STORAGE_URL"):
        if environment_value(name):
            raise CommandError(f"{name} is set: only a home that keeps its own data can be reset.")
    if not home.postgres.exists():
        raise CommandError(f"{home.root} holds no site: `lungrater up` builds the demo there.")
    with lock.starter(home, who=COMMAND):
        pass  # else the servers below would be those of a site that runs
    with running(who=COMMAND):
        migrate_if_needed()
        people = User.objects.filter(is_demo=False).exclude(email__endswith=STAND_INS)
        content = Content(
            people=people.count(),
            datasets=Dataset.objects.count(),
            studies=Study.objects.count(),
            ratings=Rating.objects.count(),
        )
        connections.close_all()
    return content


def empty(home: Home) -> None:
    """Remove database, queue, images, files half sent, models and what was computed of studies, which the next ones would
    take for theirs by their numbers; the site's keys, its logs and its backups stay."""
    computed = (home.root / "analysis", home.root / "cache")
    with lock.starter(home, who=COMMAND):
        for folder in (home.postgres, home.redis, home.media, home.uploads, home.models, *computed):
            shutil.rmtree(folder, ignore_errors=True)
