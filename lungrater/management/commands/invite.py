"""`lungrater invite STUDY EMAIL…`: enrol raters and print each one's link."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from lungrater.embedded.lock import announced
from rating.management.commands.study import study_named
from rating.studies.invitations import invite
from rating.studies.study import NotPossible


class Command(BaseCommand):
    help = "Enrol people as raters of a study and print a link for each; it works once, for 14 days."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study")
        parser.add_argument("emails", nargs="+", metavar="EMAIL")
        parser.add_argument("--base-url", help="where the site is reached (default: where it runs now)")

    def handle(
        self, *_args: Any, study: str, emails: list[str], base_url: str | None, **_options: Any
    ) -> None:
        named_study = study_named(study)
        site = (base_url or announced(settings.HOME)).rstrip("/")
        refused = []
        for email in dict.fromkeys(email.lower() for email in emails):
            try:
                validate_email(email)
                path = invite(named_study, email)
            except ValidationError:
                refused.append(f"{email} is not an email address.")
            except NotPossible as reason:
                refused.append(f"{email}: {reason}")
            else:
                self.stdout.write(f"{email}  {site}{path}")
        if refused:
            raise CommandError(" ".join(refused))
