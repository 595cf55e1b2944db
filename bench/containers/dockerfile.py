"""What a Dockerfile says, as far as ours goes: its stages and their steps."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

LINE_GOES_ON = re.compile(r"\\\n")


@dataclass(frozen=True)
class Step:
    instruction: str
    value: str


@dataclass(frozen=True)
class Stage:
    base: str
    name: str
    steps: list[Step] = field(default_factory=list)


def stages_of(text: str) -> list[Stage]:
    """Raises ValueError for a line before the first FROM."""
    stages: list[Stage] = []
    for step in _steps(text):
        if step.instruction == "FROM":
            base, _, name = step.value.partition(" AS ")
            stages.append(Stage(base, name.strip()))
        elif stages:
            stages[-1].steps.append(step)
        else:
            raise ValueError(f"{step.instruction} stands before FROM")
    return stages


def _steps(text: str) -> Iterator[Step]:
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in LINE_GOES_ON.sub("", "\n".join(lines)).splitlines():
        if line.strip():
            instruction, _, value = line.strip().partition(" ")
            yield Step(instruction.upper(), value.strip())


def assignments(value: str) -> Iterator[tuple[str, str]]:
    """NAME=value, several in a line, as ENV and ARG have them here: without quotes or blanks in a value."""
    for word in value.split():
        name, _, content = word.partition("=")
        yield name, content


def command(value: str) -> list[str]:
    """Of CMD, in its form as JSON."""
    return list(json.loads(value))


def filled(text: str, values: Mapping[str, str]) -> str:
    """`${NAME:-else}`, `${NAME:?why}` and `${NAME}` of a compose file, from these values."""

    def value(match: re.Match[str]) -> str:
        name, otherwise = match["name"], match["otherwise"] or ""
        if match["how"] == ":?" and not values.get(name):
            raise ValueError(f"{name}: {otherwise}")
        return values.get(name) or otherwise

    return re.sub(r"\$\{(?P<name>\w+)(?:(?P<how>:[-?])(?P<otherwise>[^}]*))?\}", value, text)
