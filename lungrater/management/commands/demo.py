"""`lungrater demo reset`: throw the demo away, with all that was tried in it; the next `lungrater up` builds it anew."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from lungrater.embedded.home import Home
from lungrater.terminal import answer_to

BAD_ARGUMENT = 2
WORD = "reset"


class Command(BaseCommand):
    help = (
        "Throw the demo of LUNGRATER_HOME away, with all that was tried in it; the next `lungrater up` builds it anew. "
        "A home with anybody else's account is refused, and nothing in it touched."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("act", choices=[WORD])
        parser.add_argument("--yes", action="store_true", help="ask nothing")

    def handle(self, *_args: Any, yes: bool, **_options: Any) -> None:
        from lungrater.demo.reset import content_of, empty

        home = Home.from_environment()
        content = content_of(home)
        if content.people:
            raise CommandError(
                f"{home.root} is more than the demo: {content.people} accounts in it are of no made-up people. "
                "Nothing was touched; for a demo beside it, name another folder in LUNGRATER_HOME.",
                returncode=BAD_ARGUMENT,
            )
        self.stdout.write(
            f"{home.root}: {content.datasets} datasets, {content.studies} studies, {content.ratings} ratings, "
            "all of the demo's made-up people. This cannot be undone."
        )
        if not yes and answer_to(f"Type {WORD} to throw them away: ") != WORD:
            raise CommandError("Nothing was touched.")
        empty(home)
        self.stdout.write("Thrown away. `lungrater up` builds the demo anew.")
