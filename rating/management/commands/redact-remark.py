"""`lungrater redact-remark STUDY --rater R01 --image CODE --reason TEXT`: take away what a rater wrote; the label stays."""  # noqa: N999  the command has a hyphen in its name

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from rating.management.commands.study import study_named
from rating.results.remark_redaction import RedactionForm

BAD_ARGUMENT = 2
FIELDS = ("rater", "image", "session", "reason")


class Command(BaseCommand):
    help = "Take a remark away for good, with a trace in the study's log; the label stays."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study")
        parser.add_argument("--rater", required=True, help="the pseudonym, R01 say")
        parser.add_argument("--image", required=True, metavar="CODE", help="the image's code in this study")
        parser.add_argument("--session", type=int, help="default: every session")
        parser.add_argument("--reason", required=True)

    def handle(self, *_args: Any, study: str, **options: Any) -> None:
        form = RedactionForm({name: options[name] for name in FIELDS}, study=study_named(study))
        if not form.is_valid():
            sentences = [str(sentence) for errors in form.errors.values() for sentence in errors]
            raise CommandError(" ".join(sentences), returncode=BAD_ARGUMENT)
        self.stdout.write(form.save())
