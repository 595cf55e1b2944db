"""The database's tables, brought up to date only when they are not: looking costs a tenth of migrating.

Code that is older than its tables must not touch them: it would write what the newer code no longer reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from lungrater.embedded.home import CannotStartError
from lungrater.embedded.owner import as_owner


def migrate_if_needed() -> bool:
    """True when there was something to do. Raises CannotStartError where the tables are newer than this code."""
    with as_owner():  # the site's own role is made by the first migration
        refuse_newer_tables()
        if tables_are_up_to_date():
            return False
    call_command("migrate", interactive=False, verbosity=0)
    return True


def tables_are_up_to_date() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def refuse_newer_tables() -> None:
    if unknown := newer_migrations():
        raise CannotStartError(
            f"The database was brought up to date by a newer LungRater (it has {unknown[0]}, which this one does not "
            "know): start that version, or restore a backup made before it."
        )


def newer_migrations() -> list[str]:
    """Migrations of our own rooms that the database has and this code does not, like “rating.0009_more”."""
    applied = MigrationRecorder(connection).applied_migrations()
    return migrations_unknown_here(f"{app}.{name}" for app, name in applied)


def migrations_unknown_here(names: Iterable[str]) -> list[str]:
    """Those of our own rooms that this code does not have."""
    on_disk, rooms = _migrations_on_disk()
    parts = [name.split(".", 1) for name in names]
    return sorted(f"{app}.{name}" for app, name in parts if app in rooms and (app, name) not in on_disk)


@cache
def _migrations_on_disk() -> tuple[frozenset[tuple[str, str]], frozenset[str]]:
    """The migrations on disk with those they stand for, and the labels of our own rooms."""
    on_disk = MigrationLoader(None).disk_migrations
    replaced = {older for migration in on_disk.values() for older in migration.replaces}
    rooms = frozenset(config.label for config in apps.get_app_configs() if config.name in settings.ROOMS)
    return frozenset(on_disk) | replaced, rooms
