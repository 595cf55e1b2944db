"""`lungrater erase-person ADDRESS --reason TEXT`: take away all that says who a person is; their ratings stay."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from lungrater.privacy.erasure import ErasureForm
from lungrater.terminal import answer_to

BAD_ARGUMENT = 2


class Command(BaseCommand):
    help = (
        "Erase a person: name, address and all they sign in with; what they rated stays, under a pseudonym."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address", metavar="ADDRESS")
        parser.add_argument("--reason", required=True, help="kept in the log; without name and address")
        parser.add_argument(
            "--confirm", metavar="ADDRESS", help="the address once more, instead of being asked for it"
        )

    def handle(self, *_args: Any, address: str, reason: str, confirm: str | None, **_options: Any) -> None:
        person = User.objects.filter(email__iexact=address.strip(), erased_at=None).first()
        if person is None:
            raise CommandError(f"There is nobody with the address “{address}”.", returncode=BAD_ARGUMENT)
        typed = confirm or answer_to("This cannot be undone. Type the address again: ")
        form = ErasureForm({"address": typed, "reason": reason}, person=person)
        if not form.is_valid():
            sentences = [str(sentence) for errors in form.errors.values() for sentence in errors]
            raise CommandError(" ".join(sentences), returncode=BAD_ARGUMENT)
        self.stdout.write(form.save().sentence)
