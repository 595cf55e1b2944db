"""The reference pages of the documentation, made from code: commands, environment, ratings CSV, API operations.

`python -m bench.reference` says which pages are out of date, `--write` writes them; a test holds them against the code.
"""

from __future__ import annotations

import argparse
import ast
import os
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from bench.environment_meanings import DEFAULTS, GROUPS

REPOSITORY = Path(__file__).resolve().parent.parent
FOLDER = REPOSITORY / "docs" / "reference"
READERS = {"environment_value", "os.environ.get", "environ.FileAwareEnv().str"}
OF_DJANGO = {
    "version",
    "verbosity",
    "settings",
    "pythonpath",
    "traceback",
    "no_color",
    "force_color",
    "skip_checks",
    "help",
}
HEAD = "<!-- made by bench/reference.py: change the code, then python -m bench.reference --write -->\n"


def pages() -> dict[str, str]:
    """The text of each page by the name of its file."""
    return {
        "commands.md": page("Commands", COMMANDS_INTRO, commands()),
        "environment.md": page("Environment", ENVIRONMENT_INTRO, environment()),
        "ratings-csv.md": page("Ratings CSV", CSV_INTRO, ratings_csv()),
        "api-operations.md": page("API operations", API_INTRO, operations()),
    }


COMMANDS_INTRO = (
    "`lungrater COMMAND`, or `python manage.py COMMAND` in a checkout. Exit code 0: done; 1: failed, with one sentence on standard error; "
    "2: the arguments make no sense. Where database or broker are not running, a command starts the embedded ones for as long as it takes."
)
ENVIRONMENT_INTRO = (
    "Everything a site is told from outside. Each also may stand in a file whose path is in the variable with `_FILE` at its end, as containers "
    "hand over secrets; LUNGRATER_HOME and WEB_CONCURRENCY are read as they are."
)
CSV_INTRO = (
    "`lungrater export STUDY -o FILE`, **Ratings CSV** on a study's page and `/api/v1/studies/SLUG/ratings.csv` give these columns: UTF-8, RFC 4180, "
    "one row per presentation. `lungrater agreement FILE` needs `rater`, `image` and `label` alone."
)
API_INTRO = (
    "Every operation of `/api/v1`, in the order of the OpenAPI document that a running site gives under `/api/v1/openapi.json`. "
    "[For programs](../api.md) says how to sign in and what holds for all of them."
)


def page(title: str, intro: str, lines: Iterable[str]) -> str:
    return "\n".join([f"# {title}", "", HEAD, intro, "", *lines]).rstrip() + "\n"


def table(head: list[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
    yield ""


def commands() -> Iterator[str]:
    from django.conf import settings
    from django.core.management import get_commands, load_command_class

    for name, app in sorted(get_commands().items()):
        if app in settings.ROOMS:
            parser = load_command_class(app, name).create_parser("lungrater", name)
            yield from _command(f"lungrater {name}", parser, level=2)


def _command(name: str, parser: argparse.ArgumentParser, *, level: int) -> Iterator[str]:
    actions = [action for action in parser._actions if action.dest not in OF_DJANGO]
    acts = [action for action in actions if isinstance(action, argparse._SubParsersAction)]
    rows = [_option(action) for action in actions if action not in acts]
    yield f"{'#' * level} {name}"
    yield ""
    if parser.description:
        yield parser.description
        yield ""
    if rows:
        yield from table(["argument", "what", "default"], rows)
    for group in acts:
        helps = {choice.dest: choice.help or "" for choice in group._choices_actions}
        for act, below in group.choices.items():
            below.description = below.description or sentence(helps.get(act, ""))
            yield from _command(f"{name} {act}", below, level=level + 1)


def sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}{'' if words.endswith('.') else '.'}" if words else ""


def _option(action: argparse.Action) -> list[str]:
    name = (
        f"`{', '.join(action.option_strings)}`"
        if action.option_strings
        else f"`{action.metavar or action.dest}`"
    )
    choices = ", ".join(f"`{choice}`" for choice in action.choices or ())
    words = [
        (action.help or "").replace(" (default: %(default)s)", ""),
        choices,
        "needed" if action.required and action.option_strings else "",
    ]
    shows = action.nargs != 0 and action.default not in (None, argparse.SUPPRESS, "", [])
    return [name, "; ".join(filter(None, words)), f"`{action.default}`" if shows else ""]


def environment() -> Iterator[str]:
    read = variables_read()
    for group, meanings in GROUPS.items():
        yield f"## {group}"
        yield ""
        rows = [
            [f"`{name}`", meaning, DEFAULTS.get(name) or _in_words(read.get(name, ""))]
            for name, meaning in meanings.items()
        ]
        yield from table(["variable", "what", "default"], rows)


@cache
def variables_read() -> dict[str, str]:
    """The variables that the code reads, each with the source of its default."""
    from django.conf import settings

    variables: dict[str, str] = {}
    for room in (*settings.ROOMS, "outbound"):
        for file in sorted((REPOSITORY / room).rglob("*.py")):
            for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(call, ast.Call) and (name := _variable(call)):
                    defaults = [ast.unparse(word.value) for word in call.keywords if word.arg == "default"]
                    variables[name] = variables.get(name) or "".join(defaults[:1])
    return variables


def _variable(call: ast.Call) -> str:
    reader = ast.unparse(call.func)
    first = call.args[0] if call.args else None
    if isinstance(first, ast.Constant) and (reader.startswith("env.") or reader in READERS):
        return str(first.value)
    return ""


def _in_words(source: str) -> str:
    try:
        value = ast.literal_eval(source) if source else ""
    except ValueError:
        return ""
    if value in ("", []):
        return ""
    words = {True: "yes", False: "no"}.get(value) if isinstance(value, bool) else None
    return words or f"`{','.join(value) if isinstance(value, list) else value}`"


def ratings_csv() -> Iterator[str]:
    from rating.results.export.ratings_csv import CODEBOOK, OF_ARENA, OF_MARKS, OF_SETS, OF_STACKS

    yield from table(["column", "meaning"], ([f"`{name}`", text] for name, text in CODEBOOK.items()))
    yield "## Of studies of pairs and quartets"
    yield ""
    yield "These columns mean something else, or come in addition."
    yield ""
    yield from table(["column", "meaning"], ([f"`{name}`", text] for name, text in OF_SETS.items()))
    yield from ("## Of an arena", "", "As pairs, but for these.", "")
    yield from table(["column", "meaning"], ([f"`{name}`", text] for name, text in OF_ARENA.items()))
    yield from ("## Of studies of stacks, and of marks", "", "These columns come in addition.", "")
    of_images = OF_STACKS | OF_MARKS
    yield from table(["column", "meaning"], ([f"`{name}`", text] for name, text in of_images.items()))


def operations() -> Iterator[str]:
    from lungrater.api.site_api import api

    schema: dict[str, Any] = api.get_openapi_schema()
    rows = [
        [f"`{method.upper()}`", f"`{path}`", operation.get("summary", "")]
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]
    yield from table(["method", "path", "what"], rows)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lungrater.settings")
    import django

    django.setup()
    for name, text in pages().items():
        file = FOLDER / name
        if "--write" in sys.argv:
            file.write_text(text, encoding="utf-8")
        elif not file.exists() or file.read_text(encoding="utf-8") != text:
            print(f"{file.relative_to(REPOSITORY)} is out of date: python -m bench.reference --write")


if __name__ == "__main__":
    main()
