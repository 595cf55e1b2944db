"""The events of the trail: every action that the code records, found in the code, with what its row holds."""

from __future__ import annotations

import ast
import importlib
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from bench.reference.event_meanings import BY_ARGUMENT, GROUPS
from bench.reference.markdown import table

REPOSITORY = Path(__file__).resolve().parents[2]
INTRO = (
    "Every action that the [trail](../audit-trail.md) can hold, as the pages of the log, `log.csv` and `/api/v1` name it. *Holds*: the keys of the column `detail`; every row also has the time, the actor, "
    "the subject and its place in the chain. *Reason*: whether a person's own words may stand with it."
)


class Recording(NamedTuple):
    """One call that records: the actions it may write, the keys of its detail, whether it takes a reason."""

    actions: tuple[str, ...]
    keys: tuple[str, ...]
    has_reason: bool


def events() -> Iterator[str]:
    keys: dict[str, set[str]] = defaultdict(set)
    with_reason = set()
    for recording in recordings():
        for action in recording.actions:
            keys[action] |= set(recording.keys)
            if recording.has_reason:
                with_reason.add(action)
    for group, meanings in GROUPS.items():
        yield f"## {group}"
        yield ""
        rows = (
            [
                action,
                words,
                ", ".join(f"`{key}`" for key in sorted(keys[action])),
                "yes" if action in with_reason else "",
            ]
            for action, words in meanings.items()
        )
        yield from table(["action", "when", "holds", "reason"], rows)


def recorded_actions() -> set[str]:
    return {action for recording in recordings() for action in recording.actions}


@cache
def recordings() -> tuple[Recording, ...]:
    from django.conf import settings

    events = []
    for room in settings.ROOMS:
        for file in sorted((REPOSITORY / room).rglob("*.py")):
            text = file.read_text(encoding="utf-8")
            if "migrations" not in file.parts and (
                "import record" in text or "Event.objects.create(" in text
            ):
                events += list(_of_file(file, ast.parse(text)))
    return tuple(events)


def _of_file(file: Path, tree: ast.Module) -> Iterator[Recording]:
    name = ".".join(file.relative_to(REPOSITORY).with_suffix("").parts)
    module = importlib.import_module(name)
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        words = {word.arg: word.value for word in call.keywords if word.arg}
        if ast.unparse(call.func) == "record" and len(call.args) > 2:
            actions = _actions(call.args[2], module, tree) or BY_ARGUMENT[name]
            yield Recording(actions, tuple(set(words) - {"reason"}), "reason" in words)
        elif ast.unparse(call.func) == "Event.objects.create" and "action" in words:
            yield Recording(
                _actions(words["action"], module, tree), _keys(words["detail"]), "reason" in words
            )


def _actions(node: ast.expr, module: ModuleType, tree: ast.Module) -> tuple[str, ...]:
    """The texts that this may be; none where only the caller knows."""
    if isinstance(node, ast.Constant):
        return (str(node.value),)
    if isinstance(node, ast.IfExp):
        return _actions(node.body, module, tree) + _actions(node.orelse, module, tree)
    if isinstance(node, ast.Subscript):
        return tuple(getattr(module, ast.unparse(node.value)).values())
    owner, _, attribute = ast.unparse(node).rpartition(".")
    value = getattr(getattr(module, owner) if owner else module, attribute, None)
    if isinstance(value, str):
        return (value,)
    assigned = (
        each.value
        for each in ast.walk(tree)
        if isinstance(each, ast.Assign)
        and [ast.unparse(target) for target in each.targets] == [ast.unparse(node)]
    )
    return next((_actions(each, module, tree) for each in assigned), ())


def _keys(detail: ast.expr) -> tuple[str, ...]:
    assert isinstance(detail, ast.Dict)
    return tuple(str(key.value) for key in detail.keys if isinstance(key, ast.Constant))
