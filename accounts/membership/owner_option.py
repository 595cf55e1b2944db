"""`--owner EMAIL` of the commands that make datasets and studies."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping

from django.core.management.base import CommandError

from accounts.models import User

BAD_ARGUMENT = 2


def add_owner_option(
    parser: ArgumentParser, *, otherwise: str = "every researcher may see and use it"
) -> None:
    parser.add_argument(
        "--owner",
        metavar="EMAIL",
        help=f"the researcher whose it is to be; without it {otherwise}",
    )


def owner_of(options: Mapping[str, object]) -> User | None:
    """The researcher named. Raises CommandError where there is none of this address."""
    email = options.get("owner")
    if not email:
        return None
    person = User.objects.filter(email__iexact=email, is_active=True).first()
    if person is None or not person.has_perm("pool.view_image"):
        raise CommandError(f"There is no researcher with the address “{email}”.", returncode=BAD_ARGUMENT)
    return person
