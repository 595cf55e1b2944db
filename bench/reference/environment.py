"""The variables that the code reads, in the order of their meanings."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from bench.reference.environment_meanings import DEFAULTS, GROUPS
from bench.reference.markdown import table

REPOSITORY = Path(__file__).resolve().parents[2]
READERS = ("env.", "environment_value", "os.environ.get", "environ.FileAwareEnv().")
INTRO = (
    "Everything a site is told from outside. Each also may stand in a file whose path is in the variable with `_FILE` at its end, as containers "
    "hand over secrets; LUNGRATER_HOME and WEB_CONCURRENCY are read as they are."
)


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
    if isinstance(first, ast.Constant) and reader.startswith(READERS):
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
