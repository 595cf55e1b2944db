"""`rating.statistics` as a library: what it gives to import, with examples, and what else its files hold."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import textwrap
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from bench.reference.markdown import table

INTRO = (
    "The statistics import no Django and need no site: numpy and scipy alone. `from rating.statistics import …` gives the names below, in a checkout or from the wheel; `np` is numpy. Every example is run by a test "
    "(`tests/rating/statistics/test_doctests.py`). What is undefined comes back with the sentence why, never as 0 or NaN. [Statistics](../statistics.md) says which numbers mean what, and how well their intervals hold."
)


def statistics() -> Iterator[str]:
    import rating.statistics

    for name in rating.statistics.__all__:
        value = getattr(rating.statistics, name)
        yield f"## {name}"
        yield ""
        if inspect.ismodule(value):
            yield from ((inspect.getdoc(value) or ""), "")
            yield from table(
                ["name", "what it gives"], ([f"`{each}`", _first_line(it)] for each, it in _public(value))
            )
            continue
        if not callable(value):
            yield from (f"`{value!r}`", "")
            continue
        yield from ("```python", f"{name}{_signature(value)}", "```", "")
        yield from _docstring(value)
    yield "## All files"
    yield ""
    yield "What else is public in each file of `rating/statistics/`, for whoever reads or extends it; these names may change."
    yield ""
    for module in modules(rating.statistics):
        rows = [[f"`{name}`", _first_line(value)] for name, value in _public(module)]
        if rows:
            yield f"### {module.__name__}"
            yield ""
            yield _first_line(module)
            yield ""
            yield from table(["name", "what it gives"], rows)


def modules(package: ModuleType) -> Iterator[ModuleType]:
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(module.name)


def _public(module: ModuleType) -> Iterator[tuple[str, object]]:
    for name, value in vars(module).items():
        is_own = getattr(value, "__module__", "") == module.__name__
        if is_own and not name.startswith("_") and (inspect.isfunction(value) or inspect.isclass(value)):
            yield name, value


def _signature(value: Any) -> str:
    """As it stands in the source: what annotations come to at run time differs between versions of numpy."""
    [node] = ast.parse(textwrap.dedent(inspect.getsource(value))).body
    if isinstance(node, ast.FunctionDef):
        returned = f" -> {ast.unparse(node.returns)}" if node.returns else ""
        return f"({ast.unparse(node.args)}){returned}"
    assert isinstance(node, ast.ClassDef)
    fields = [ast.unparse(each) for each in node.body if isinstance(each, ast.AnnAssign)]
    return f"({', '.join(fields) or 'message'})"


def _first_line(value: object) -> str:
    return (inspect.getdoc(value) or "").partition("\n")[0]


def _docstring(value: object) -> Iterator[str]:
    """The words, and the examples as code."""
    words, mark, example = (inspect.getdoc(value) or "").partition(">>> ")
    yield words.strip()
    yield ""
    if mark:
        yield from ("```pycon", mark + example.strip(), "```", "")
