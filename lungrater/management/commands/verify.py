"""`lungrater verify [STUDY]`: whether the log, the ratings and the studies are what was written when it happened."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.mail import send_mail
from django.core.management.base import BaseCommand, CommandError

from accounts.sign_in.addresses import mail_is_set_up
from audit import heads
from audit.anchors import Anchor, NotAnAnchorError, read_anchors
from audit.guard import UNGUARDED, is_guarded
from audit.verification import head
from lungrater.backup.site_files import lost_files
from lungrater.monitoring.signs_of_life import VERIFICATION, SignOfLife
from lungrater.monitoring.site_verification import discrepancies_of_site, discrepancies_of_study
from rating.management.commands.study import study_named

BAD_ARGUMENT = 2


class Command(BaseCommand):
    help = (
        "Recompute every hash of the log (and of the ratings, manifests, images and orders of one study or all) and name "
        "what differs; exit 1 where anything does. Without an anchor a log rewritten from some row on, or cut at its end, "
        "cannot be told from a whole one: keep one where nobody who reaches the database can reach it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", nargs="?")
        parser.add_argument(
            "--anchor", type=Path, action="append", default=[], metavar="FILE", help="lines of earlier heads"
        )
        parser.add_argument(
            "--head", action="store_true", help="only enter all heads and print the site's, an anchor"
        )
        parser.add_argument(
            "--files", action="store_true", help="also look for every file that the site's rows name"
        )
        parser.add_argument("--mail", metavar="EMAIL", help="with --head: mail it there as well")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *_args: Any, study: str | None, **options: Any) -> None:
        if options["head"]:
            self._hand_out(heads.enter(), options["mail"])
            return
        anchors = [anchor for path in options["anchor"] for anchor in _anchors(path)]
        only = study_named(study) if study else None
        discrepancies = [
            str(each)
            for each in (discrepancies_of_study(only, anchors) if only else discrepancies_of_site(anchors))
        ]
        if options["files"]:
            discrepancies += [str(each) for each in lost_files()]
        anchor = head(only.trail if only else "site")
        self._report(discrepancies, anchor, as_json=options["json"])
        difference = f"{len(discrepancies)} things are not as they were written." if discrepancies else ""
        if only is None:
            SignOfLife.note(VERIFICATION, problem=difference)
        if difference:
            raise CommandError(difference)

    def _hand_out(self, anchor: Anchor, address: str | None) -> None:
        self.stdout.write(str(anchor))
        if address is None:
            return
        if not mail_is_set_up():
            raise CommandError("This site sends no mail; keep the line above by hand.")
        text = (
            f"# The head of the log; to check the log against it: lungrater verify --anchor FILE\n{anchor}\n"
        )
        try:
            send_mail("Head of the LungRater log", text, None, [address])
        except OSError as error:
            raise CommandError(f"No mail could be sent to {address}: {error}") from error

    def _report(self, discrepancies: list[str], anchor: Anchor | None, *, as_json: bool) -> None:
        if as_json:
            facts = {
                "whole": not discrepancies,
                "guarded": is_guarded(),
                "head": str(anchor) if anchor else None,
                "discrepancies": discrepancies,
            }
            self.stdout.write(json.dumps(facts, ensure_ascii=False))
            return
        for line in discrepancies:
            self.stdout.write(line)
        if not is_guarded():
            self.stdout.write(UNGUARDED)
        if not discrepancies:
            self.stdout.write("Everything is as it was written.")
            self.stdout.write(f"head: {anchor}" if anchor else "The log is empty.")


def _anchors(path: Path) -> list[Anchor]:
    try:
        return read_anchors(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.", returncode=BAD_ARGUMENT) from error
    except NotAnAnchorError as error:
        raise CommandError(str(error), returncode=BAD_ARGUMENT) from error
