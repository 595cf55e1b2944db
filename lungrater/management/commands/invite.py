"""`lungrater invite STUDY EMAIL…`: enrol raters and print each one's link."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from accounts.sign_in.addresses import clean_address
from lungrater.embedded.site_address import site_address
from rating.management.commands.study import study_named
from rating.studies.invitation_form import Invitee, read_invitees
from rating.studies.invitations import Invitation, invite_all


class Command(BaseCommand):
    help = "Enrol people as raters of a study and print a link for each; it works once, for 14 days."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study")
        parser.add_argument("emails", nargs="*", metavar="EMAIL")
        parser.add_argument(
            "--table", metavar="FILE", help="CSV with a column email and, where wanted, a column language"
        )
        parser.add_argument("--base-url", help="where the site is reached (default: where it runs now)")

    def handle(
        self,
        *_args: Any,
        study: str,
        emails: list[str],
        table: str | None,
        base_url: str | None,
        **_options: Any,
    ) -> None:
        named_study = study_named(study)
        site = site_address(base_url)
        invitees, refused = _readable(emails, table)
        if not invitees and not refused:
            raise CommandError("Give at least one address, or a table of them.", returncode=2)
        invitations, refusals = invite_all(
            named_study, invitees, by=None, absolute=lambda path: site + path if path else ""
        )
        for invitation in invitations:
            self.stdout.write(f"{invitation.email}  {_way_in(invitation)}")
        if refused := [*refused, *refusals]:
            raise CommandError(" ".join(refused))


def _readable(emails: list[str], table: str | None) -> tuple[list[Invitee], list[str]]:
    """Each person once, those of the table first, and what cannot be read, in sentences."""
    invitees: list[Invitee] = []
    refused: list[str] = []
    if table:
        try:
            invitees, refused = read_invitees(Path(table).read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"The table cannot be read: {error}") from error
    for text in emails:
        try:
            invitees.append(Invitee(clean_address(text)))
        except ValidationError as reason:
            refused += reason.messages
    return list({invitee.email: invitee for invitee in reversed(invitees)}.values())[::-1], refused


def _way_in(invitation: Invitation) -> str:
    if invitation.is_sent:
        return "has the link in their mailbox"
    if invitation.is_new:
        return invitation.url
    return "has an account and signs in as before; whoever cannot asks an admin for a new link"
