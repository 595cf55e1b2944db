"""Where the database and the broker are: as the environment says, else this home's own servers."""

from __future__ import annotations

from lungrater.embedded import postgres, redis
from lungrater.embedded.home import Home
from lungrater.environment import env


def database_url() -> str:
    return environment_value("DATABASE_URL") or postgres.url(Home.from_environment())


def owner_url() -> str:
    """For whoever migrates, restores and tests. Without one of its own, the site's role owns the trail it writes."""
    if environment_value("DATABASE_URL"):
        return environment_value("DATABASE_OWNER_URL") or environment_value("DATABASE_URL")
    return postgres.owner_url(Home.from_environment())


def redis_url() -> str:
    return environment_value("REDIS_URL") or redis.url(Home.from_environment())


def environment_value(name: str) -> str:
    """What the environment (or the file `name`_FILE) says, or nothing."""
    return str(env.str(name, default="")).strip()
