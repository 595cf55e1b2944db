"""`lungrater person EMAIL --role researcher`: make a person, or change their role, and print a sign-in link."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from accounts.models import LoginLink, User
from accounts.people.roles_form import RoleForm
from accounts.roles import Role
from accounts.sign_in.addresses import clean_address
from audit.actors import at_the_command_line
from lungrater.embedded.site_address import site_address

LIVES = timedelta(days=2)
BAD_ARGUMENT = 2


def _typed_address() -> str:
    """Asked at a terminal only, and only once there is an admin to be."""
    if not sys.stdin.isatty() or not User.objects.filter(role=Role.ADMIN).exists():
        return ""
    return input("Your own address, for the log (empty: the system user alone): ").strip()


def _admin(address: str) -> User | None:
    """Who says that they act; nobody proves it at a command line, and the log says so."""
    if not address:
        return None
    person = User.objects.filter(email__iexact=address, role=Role.ADMIN, is_active=True).first()
    if person is None:
        raise CommandError(f"There is no admin with the address “{address}”.", returncode=BAD_ARGUMENT)
    return person


class Command(BaseCommand):
    help = "Make a person with a role (or change the role) and print a link that signs them in once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("--role", choices=Role.values, required=True)
        parser.add_argument(
            "--by",
            metavar="EMAIL",
            help="the admin you are, for the log, beside the system user; at a terminal it is asked for",
        )
        parser.add_argument("--reason", default="", help="why the role is changed, for the log")
        parser.add_argument("--base-url", help="where the site is reached (default: where it runs now)")

    def handle(
        self,
        *_args: Any,
        email: str,
        role: str,
        by: str | None,
        reason: str,
        base_url: str | None,
        **_options: Any,
    ) -> None:
        try:
            email = clean_address(email)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        user = User.objects.filter(email__iexact=email).first() or User.objects.create_user(email)
        actor = at_the_command_line(_admin(by if by is not None else _typed_address()))
        form = RoleForm({"role": role}, person=user)
        if not form.is_valid():
            raise CommandError(form.sentence)
        form.save(by=actor, reason=reason)
        site = site_address(base_url)
        self.stdout.write(site + LoginLink.issue(user, lives=LIVES))
