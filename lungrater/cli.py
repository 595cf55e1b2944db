"""The `lungrater` command: Django's management commands under one name, with the servers they need.

A command's arguments are read first, so `--help` and a typing error start nothing.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from typing import Any

from django.core.checks import Tags
from django.core.checks.registry import registry
from django.core.exceptions import ImproperlyConfigured
from django.core.management import ManagementUtility
from django.core.management.base import ALL_CHECKS, BaseCommand, CommandError, SystemCheckError

from audit.actors import acting, at_the_command_line
from lungrater.embedded.home import CannotStartError
from lungrater.embedded.migrate import migrate_if_needed, refuse_newer_tables
from lungrater.embedded.owner import as_owner
from lungrater.embedded.running import running

# These need no database, or bring their own.
WITHOUT_SERVERS = frozenset(
    {
        "agreement",
        "check-table",
        "demo",
        "restore",
        "up",
        "worker",
        "help",
        "version",
        "test",
        "check",
        "diffsettings",
        "sendtestemail",
    }
    | {"makemigrations", "collectstatic", "findstatic", "makemessages", "compilemessages"}
)
INTERRUPTED = 130


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lungrater.settings")
    if sys.argv[1:] in (["--version"], ["version"]):  # else Django would tell its own
        sys.stdout.write(f"{version('lungrater')}\n")
        return
    try:
        Utility(sys.argv).execute()
    except ImproperlyConfigured as error:
        sys.exit(f"lungrater: {error}")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


class Utility(ManagementUtility):
    def fetch_command(self, subcommand: str) -> BaseCommand:
        command = super().fetch_command(subcommand)
        execute = command.execute
        if command.requires_system_checks == ALL_CHECKS:
            # All but that of addresses, which reads every page's code: `up`, `check` and `make lint` ask for it.
            command.requires_system_checks = sorted(registry.tags_available() - {Tags.urls})

        def with_servers(*args: Any, **options: Any) -> str | None:
            try:
                if subcommand in WITHOUT_SERVERS:
                    return execute(*args, **options)
                with running(who=f"lungrater {subcommand}"), acting(at_the_command_line()):
                    if subcommand == "migrate":
                        with as_owner():  # the first migration makes the site's own role
                            refuse_newer_tables()
                    else:
                        migrate_if_needed()
                    return execute(*args, **options)
            except SystemCheckError:
                raise
            except (CommandError, CannotStartError) as error:
                command.stderr.write(str(error))
                sys.exit(getattr(error, "returncode", 1))

        command.execute = with_servers  # type: ignore[method-assign]  # the one place between arguments and work
        return command
