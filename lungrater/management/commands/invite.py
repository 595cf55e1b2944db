"""`lungrater invite STUDY EMAIL…`: enrol raters and print each one's link."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from accounts.sign_in.addresses import clean_address, mail_is_set_up
from lungrater.embedded.site_address import site_address
from rating.management.commands.study import study_named
from rating.studies.invitations import Invitation, invite, send_invitations
from rating.studies.study import NotPossibleError


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
        site = site_address(base_url)
        refused = []
        invitations = []
        for text in dict.fromkeys(emails):
            try:
                email = clean_address(text)
                invitation = invite(named_study, email)
            except ValidationError as reason:
                refused += reason.messages
            except NotPossibleError as reason:
                refused.append(f"{email}: {reason}")
            else:
                invitation.url = site + invitation.path
                invitations.append(invitation)
        if mail_is_set_up():
            refused += [
                f"No mail could be sent to {email}." for email in send_invitations(named_study, invitations)
            ]
        for invitation in invitations:
            self.stdout.write(f"{invitation.email}  {_way_in(invitation)}")
        if refused:
            raise CommandError(" ".join(refused))


def _way_in(invitation: Invitation) -> str:
    if invitation.is_sent:
        return "has the link in their mailbox"
    return invitation.url if invitation.is_new else "has an account and signs in as before"
