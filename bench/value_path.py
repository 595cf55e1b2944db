"""The way of one value, the fool rate, from the ratings table to the report's page: how many functions it passes.

    python bench/value_path.py [--list]

Starts LungRater's own servers in a home of its own in /tmp, fills a small study, and profiles one request for the page
of that question, nothing computed yet. Counted are the functions of the tree that run in a call which makes the value
(the read, the table of labels, the rate, its exhibit) or which stand above one; of the rest of the request nothing.
A call goes back up where it enters a module that already stands above its caller's.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "bench")]

# The calls that make the value, by file, name and who calls: other numbers pass the same functions.
MAKERS = frozenset(
    {
        ("rating/results/query.py", "read_columns", "columns"),
        ("rating/statistics/columns.py", "table", "study_results"),
        ("rating/statistics/accuracy/fool_rate.py", "share_over_raters", "_truth"),
        ("rating/statistics/mrmc/moments.py", "primary", "fool_rate_by_rater"),
        ("rating/results/sections/fool_rate.py", "fool_rate_by_rater", "exhibit_context"),
        ("rating/results/exhibit.py", "to_read", "exhibit_context"),
    }
)
ROOMS = ("rating/results/", "rating/statistics/", "rating/views/", "pool/")


@dataclass
class ValuePath:
    """A profiler that notes which functions a value passes."""

    functions: set[tuple[str, str]] = field(default_factory=set)
    returns_up: int = 0
    _stack: list[tuple[str, str]] = field(default_factory=list)
    _makers: int = 0

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        if (function := function_of(frame.f_code)) is None:
            return
        if event == "call":
            self._enter(function)
        elif event == "return" and self._stack:
            function = self._stack.pop()
            self._makers -= self._makes(function)

    def _enter(self, function: tuple[str, str]) -> None:
        modules_above = {file for file, _name in self._stack[:-1]}
        caller = self._stack[-1][0] if self._stack else ""
        self._makers += self._makes(function)
        self._stack.append(function)
        if self._makers:
            self.functions.update(self._stack)
            self.returns_up += function[0] != caller and function[0] in modules_above

    def _makes(self, function: tuple[str, str]) -> bool:
        return (*function, self._stack[-1][1] if self._stack else "") in MAKERS


def function_of(code: CodeType) -> tuple[str, str] | None:
    """The file and name of a function of the tree, in a room that numbers pass; None for any other."""
    file = code.co_filename.removeprefix(f"{REPOSITORY}/")
    if code.co_name.startswith("<") or not file.startswith(ROOMS):
        return None  # a comprehension is part of its function
    return file, code.co_name


def profiled() -> ValuePath:
    import django

    from lungrater.embedded.running import running

    with running(who="bench"):
        django.setup()
        from analysis_database import filled_study
        from django.core.management import call_command
        from django.test import Client
        from django.urls import reverse

        from accounts.models import User
        from accounts.roles import Role

        call_command("migrate", verbosity=0)
        study = filled_study(raters=4, images=40)
        person = User.objects.create(email="bench@example.org", role=Role.ADMIN)
        study.give_to_maker(person)
        browser = Client()
        browser.force_login(person)
        page = reverse("rating:analysis_question", args=[study.slug, "fooled"])
        path = ValuePath()
        sys.setprofile(path)
        try:
            answer = browser.get(page, headers={"host": "localhost"})
        finally:
            sys.setprofile(None)
        assert answer.status_code == 200, answer.status_code
    return path


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    home = tempfile.mkdtemp(prefix="lr-bench-")
    os.environ |= {"LUNGRATER_HOME": home, "DJANGO_SETTINGS_MODULE": "lungrater.settings"}
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    try:
        path = profiled()
    finally:
        shutil.rmtree(home, ignore_errors=True)
    if options.list:
        print("\n".join(f"{file}: {name}" for file, name in sorted(path.functions)))
    files = {file for file, _name in path.functions}
    print(f"{len(path.functions)} functions in {len(files)} files; {path.returns_up} calls back up")


if __name__ == "__main__":
    main()
