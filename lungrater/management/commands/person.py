"""`lungrater person EMAIL --role researcher`: make a person, or change their role, and print a sign-in link.

`--reset-second-factor` is for the only admin, whose phone is lost: nobody is left who could do it on the page of people.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.models import LoginLink, User
from accounts.people.roles_form import RoleForm
from accounts.roles import Role
from accounts.sign_in.addresses import clean_address
from audit.actors import Actor, at_the_command_line
from lungrater.embedded.site_address import site_address
from lungrater.people.acts import FactorAct
from lungrater.terminal import answer_to

LIVES = timedelta(days=2)
BAD_ARGUMENT = 2


def _typed_address() -> str:
    """Asked at a terminal only, and only once there is an admin to be."""
    if not sys.stdin.isatty() or not User.objects.filter(role=Role.ADMIN).exists():
        return ""
    return answer_to("Your own address, for the log (empty: the system user alone): ")


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
        parser.add_argument("--role", choices=Role.values, help="asked for unless the second factor is reset")
        parser.add_argument(
            "--reset-second-factor",
            action="store_true",
            help="take authenticator app, passkeys and recovery codes away, as their device is lost; with --reason",
        )
        parser.add_argument(
            "--by",
            metavar="EMAIL",
            help="the admin you are, for the log, beside the system user; at a terminal it is asked for",
        )
        parser.add_argument("--reason", default="", help="why, for the log")
        parser.add_argument("--base-url", help="where the site is reached (default: where it runs now)")

    def handle(
        self,
        *_args: Any,
        email: str,
        role: str | None,
        reset_second_factor: bool,
        by: str | None,
        reason: str,
        base_url: str | None,
        **_options: Any,
    ) -> None:
        try:
            email = clean_address(email)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        if not role and not reset_second_factor:
            raise CommandError("Say --role, --reset-second-factor or both.", returncode=BAD_ARGUMENT)
        user = User.objects.filter(email__iexact=email).first()
        if user is None and not role:
            raise CommandError(f"There is nobody with the address “{email}”.", returncode=BAD_ARGUMENT)
        actor = at_the_command_line(_admin(by if by is not None else _typed_address()))
        with transaction.atomic():
            user = user or User.objects.create_user(email)
            if role:
                _give(user, role, by=actor, reason=reason)
            if reset_second_factor:
                _reset_second_factor(user, by=actor, reason=reason)
            user.login_links.void()
            path = LoginLink.issue(user, lives=LIVES)
        self.stdout.write(site_address(base_url) + path)


def _give(user: User, role: str, *, by: Actor, reason: str) -> None:
    form = RoleForm({"role": role}, person=user)
    if not form.is_valid():
        raise CommandError(form.sentence)
    form.save(by=by, reason=reason)


def _reset_second_factor(user: User, *, by: Actor, reason: str) -> None:
    """The form of the page of people: the same sentences, event and mail."""
    if not reason.strip():
        raise CommandError("Say with --reason why the second factor is taken away.", returncode=BAD_ARGUMENT)
    form = FactorAct({"reason": reason}, person=user, by=by)
    if not form.is_valid():
        raise CommandError(" ".join(str(text) for texts in form.errors.values() for text in texts))
    form.save()
