"""Names are nouns of the field (docs/glossary.md): what must not come back, read from the syntax trees."""

from __future__ import annotations

import ast
import builtins
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from bench.house import (
    REPOSITORY,
    SHARE_OF_LEFTOVERS,
    UNTYPED,
    app_files,
    bound_names,
    leftovers,
    untyped_dicts,
)

# Not the folder of screenshots, the target that takes them, the element of HTML, the glossary itself and a folder name that imports know.
FOLDER = "pictures"
PICTURE = re.compile(r"(?<![/<])(?<!make )\bpictures?\b(?!/|>|”)", re.IGNORECASE)
HE = re.compile(r"\b(he|his|him|himself|she|her|hers|herself)\b", re.IGNORECASE)


def test_names_are_nouns_not_leftovers_of_a_sentence() -> None:
    bare = [f"{name.path.relative_to(REPOSITORY)}:{name.line} {name.name}" for name in leftovers()]

    share = 100 * len(bare) / sum(1 for _ in bound_names())

    assert share < SHARE_OF_LEFTOVERS, "\n".join(bare)


def test_dictionaries_without_types_stand_only_where_json_enters() -> None:
    files = Counter(str(path.relative_to(REPOSITORY)) for path in untyped_dicts())

    assert files.total() <= UNTYPED, files


def test_an_image_is_called_image() -> None:
    names = [
        f"{name.path.relative_to(REPOSITORY)}:{name.line} {name.name}"
        for name in bound_names()
        if "picture" in name.name.lower()
    ]
    sentences = {**pages_and_docs(), **strings_of_the_code()}
    prose = [
        f"{place}: {text.strip()}"
        for place, text in sentences.items()
        if text != FOLDER and PICTURE.search(text)
    ]

    assert names == []
    assert prose == []


def test_exceptions_end_in_error() -> None:
    exceptions = exceptions_of_ours()

    assert [name for name in sorted(exceptions) if not name.endswith("Error")] == []


def test_pages_docs_and_reports_say_they() -> None:
    sentences = {**pages_and_docs(), **strings_of_the_code()}

    gendered = [f"{place}: {text.strip()}" for place, text in sentences.items() if HE.search(text)]

    assert gendered == []


def exceptions_of_ours() -> set[str]:
    """Classes whose bases are exceptions, by name: built in, a library's (by its ending), or another of ours."""
    bases = {
        node.name: {name_of(base) for base in node.bases}
        for path in app_files()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ClassDef)
    }
    exceptions = {name for name, value in vars(builtins).items() if is_exception(value)}
    exceptions |= {"ImproperlyConfigured", "PermissionDenied", "SuspiciousOperation", "Http404"}
    for _generation in range(5):  # deep enough for any tree of exceptions
        exceptions |= {
            name
            for name, parents in bases.items()
            if parents & exceptions or any(parent.endswith(("Error", "Exception")) for parent in parents)
        }
    return exceptions & bases.keys()


def name_of(base: ast.expr) -> str:
    return base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")


def is_exception(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BaseException)


def pages_and_docs() -> dict[str, str]:
    """Each line of the templates and the documents, by its place."""
    files = [
        *REPOSITORY.glob("templates/**/*.html"),
        *REPOSITORY.glob("docs/**/*.md"),
        *REPOSITORY.glob("*.md"),
    ]
    return {
        f"{file.relative_to(REPOSITORY)}:{number}": line
        for file in files
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
    }


def strings_of_the_code() -> dict[str, str]:
    """The text of every string in the code, docstrings left out, by its place."""
    return {
        f"{path.relative_to(REPOSITORY)}:{node.lineno}:{node.col_offset}": str(node.value)
        for path in app_files()
        for node in strings(tree_of(path))
    }


def strings(tree: ast.Module) -> Iterator[ast.Constant]:
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))
