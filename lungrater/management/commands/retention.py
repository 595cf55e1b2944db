"""`lungrater retention`: who would be erased now by the settings of the site; `--erase` does it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from accounts.site_settings import SiteSettings
from lungrater.privacy.retention import due, erase_due


class Command(BaseCommand):
    help = "Print whom the site has known for longer than its settings say, and change nothing; --erase erases them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--erase", action="store_true", help="erase them now, not when the clock does")

    def handle(self, *_args: Any, erase: bool, **_options: Any) -> None:
        months = SiteSettings.current().retention_months
        if months is None:
            self.stdout.write("This site keeps personal data for ever: no number of months is set.")
            return
        if erase:
            self.stdout.write(f"Erased: {erase_due()}.")
            return
        people = list(due())
        for each in people:
            self.stdout.write(f"{each.person.email}  last active {each.last_active_at:%Y-%m-%d}  {each.rule}")
        self.stdout.write(
            f"To be erased, not active for {months} month{'' if months == 1 else 's'}: {len(people)}."
        )
