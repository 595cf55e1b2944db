"""The blocks of code in README and docs, and what each of their commands says to the real parsers."""

from __future__ import annotations

import argparse
import itertools
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.core.management import get_commands, load_command_class

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [
        REPOSITORY / "README.md",
        REPOSITORY / "CONTRIBUTING.md",
        *(page for page in (REPOSITORY / "docs").rglob("*.md") if page.parent.name != "reference"),
    ]
)
MARK = "<!-- run -->"
PROGRAM = re.compile(r"^(?:\.venv/bin/)?lungrater(?= )")
PLACEHOLDER = re.compile(r"[A-Z][A-Z.]*")
OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
OF_DJANGO = {"shell", "check"}


@dataclass(frozen=True)
class Block:
    page: str
    text: str
    is_run: bool = False

    @property
    def lines(self) -> list[str]:
        """One command each: continued lines joined, empty ones and remarks left out."""
        joined = self.text.replace("\\\n", " ").splitlines()
        return [line.strip() for line in joined if line.strip() and not line.lstrip().startswith("#")]

    @property
    def name(self) -> str:
        return f"{self.page}: {self.lines[0]}"


def blocks(page: Path) -> Iterator[Block]:
    """Fenced ones, and those that four spaces set off after an empty line."""
    name = str(page.relative_to(REPOSITORY))
    text = page.read_text(encoding="utf-8")
    for mark, fenced in re.findall(
        rf"({re.escape(MARK)}\n)?^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE
    ):
        yield Block(name, fenced, is_run=bool(mark))
    unfenced = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    for indented in re.findall(r"(?<=\n\n)(?:    \S.*\n+(?:    .*\n+)*)", unfenced):
        yield Block(name, indented)


def inline_commands(page: Path) -> set[str]:
    """What stands between backticks in a sentence and begins with the program's name."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    spans = re.findall(r"`((?:\.venv/bin/)?lungrater [a-z-][^`]*)`", text)
    return {" ".join(span.split()) for span in spans if "→" not in span}


def variants(line: str) -> Iterator[str]:
    """The command of a synopsis: with every optional part and without any, and with each alternative."""
    for text in {OPTIONAL.sub("", line), OPTIONAL.sub(as_alternatives, line)}:
        parts = [part.split(" | ") for part in re.split(r"<([^<>]*)>", text)]
        for choice in itertools.product(*parts):
            yield "".join(choice).replace(" …", "")


def as_alternatives(match: re.Match[str]) -> str:
    return f"<{match.group(1)}>"


def arguments_of(line: str) -> list[str]:
    """Without variables set in front, the program's name and a remark behind."""
    words = shlex.split(line, comments=True)
    words = list(itertools.dropwhile(lambda word: re.match(r"[A-Z_]+=", word), words))
    words = list(itertools.takewhile(lambda word: word not in {">", "|", "&&"}, words))
    assert words[0].rpartition("/")[2] == "lungrater", line
    return words[1:]


def parser_of(command: str) -> argparse.ArgumentParser:
    app = get_commands()[command]
    assert isinstance(app, str)
    parser = load_command_class(app, command).create_parser("lungrater", command)
    for below in with_subparsers(parser):
        for action in below._actions:
            lenient(action)
    return parser


def with_subparsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from with_subparsers(below)


def lenient(action: argparse.Action) -> None:
    """Let a word in capitals, which stands for any value, stand for a number or a choice too."""
    convert: Callable[[str], object] = action.type if callable(action.type) else str
    action.type = lambda word: word if PLACEHOLDER.fullmatch(word) else convert(word)
    if action.choices and not isinstance(action, argparse._SubParsersAction):
        action.choices = [*action.choices, "NAME"]


def options_of(words: list[str]) -> tuple[set[str], set[str]]:
    """The options that a sentence names, and those that the command it names has."""
    parser, rest = parser_of(words[0]), words[1:]
    acts = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if acts and rest and rest[0] in acts[0].choices:
        parser = acts[0].choices[rest[0]]
    elif acts and rest:
        raise AssertionError(f"lungrater {words[0]} has no {rest[0]}")
    named = {word.partition("=")[0] for word in rest if word.startswith("--")}
    return named, {option for action in parser._actions for option in action.option_strings}
