"""`lungrater person EMAIL --role researcher`: make a person, or change their role, and print a sign-in link."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from accounts.models import LoginLink, User
from accounts.roles import Role
from accounts.sign_in.addresses import clean_address
from audit import record
from lungrater.embedded.site_address import site_address

LIVES = timedelta(days=2)


class Command(BaseCommand):
    help = "Make a person with a role (or change the role) and print a link that signs them in once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("--role", choices=Role.values, required=True)
        parser.add_argument("--base-url", help="where the site is reached (default: where it runs now)")

    def handle(self, *_args: Any, email: str, role: str, base_url: str | None, **_options: Any) -> None:
        try:
            email = clean_address(email)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        user = User.objects.filter(email__iexact=email).first() or User.objects.create_user(email)
        if user.enrolments.exists() and role != Role.RATER:
            raise CommandError(f"{user} rates in a study; whoever rates must not see which images are real.")
        if role == Role.RATER and user.last_login and user.has_perm("pool.view_image"):
            raise CommandError(
                f"{user} has been able to see which images are real, so must not rate; "
                "invite raters who have not."
            )
        user.role = role
        user.save(update_fields=["role"])
        record(user, None, "changed a role", role=role)
        site = site_address(base_url)
        self.stdout.write(site + LoginLink.issue(user, lives=LIVES))
