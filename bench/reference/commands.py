"""Every command with its arguments, as its own parser knows them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from bench.reference.markdown import sentence, table

INTRO = (
    "`lungrater COMMAND`, or `python manage.py COMMAND` in a checkout. Exit code 0: done; 1: failed, with one sentence on standard error; "
    "2: the arguments make no sense. Where database or broker are not running, a command starts the embedded ones for as long as it takes."
)
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
