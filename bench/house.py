"""The shape of the house in one table: names, folders, imports, untyped dictionaries, long files, doubled lines.

    python bench/house.py [--names] [--json]

Reads the tree it stands in and starts nothing. `--names` lists every name that is not a noun of the field, with
its place. Exit 1 when a goal is missed. `tests/test_names.py` holds the first row for good.
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import import_graph

REPOSITORY = Path(__file__).resolve().parent.parent
# Leftovers of a sentence, no nouns: as a name they say nothing of what is held.
WORDS = """
told said found kept given shown asked those others beside held made seen drawn placed called named wanted known
taken sent used missed left apart ahead around judged heard one whole spread alike lately telling thinned
theirs mine ours hers everyone everything something nothing anything
brought bought thrown gone gotten stood wished meant thought felt tried
"""
LEFTOVERS = frozenset(WORDS.split())
SHARE_OF_LEFTOVERS = 0.3  # per cent of the bound names
MODULES_AT_TOP = 12
MODULES_IN_FOLDER = 25
LONGEST_FILE = 400
MADE = "Made by bench/"
LONGEST_DOUBLE = 12
UNTYPED = 40
NO_APPS = {"tests", "bench", "docs"}

Lines = list[tuple[int, str]]
Place = tuple[int, int]  # a file's number, and which of its lines


@dataclass(frozen=True, slots=True)
class BoundName:
    """A name that the code binds: a variable, an argument, a function or a class."""

    path: Path
    line: int
    name: str

    @property
    def is_leftover(self) -> bool:
        return self.name.strip("_") in LEFTOVERS


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--names", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.names:
        for name in leftovers():
            print(f"{name.path.relative_to(REPOSITORY)}:{name.line}: {name.name}")
        return
    rows = list(table())
    if options.json:
        print(json.dumps({label: value for label, value, _goal, _met in rows}))
    else:
        for label, value, goal, met in rows:
            print(f"{'  ' if met else '! '}{label:44} {value}   (goal {goal})")
    sys.exit(not all(met for *_, met in rows))


def table() -> Iterator[tuple[str, str, str, bool]]:
    """What is measured, its value, the goal in words and whether it is met."""
    names = list(bound_names())
    bare = sum(name.is_leftover for name in names)
    share = 100 * bare / len(names)
    value = f"{bare} of {len(names)} ({share:.2f} %)"
    yield "names that are leftovers of a sentence", value, "< 0.3 %", share < SHARE_OF_LEFTOVERS

    tops = modules_at_top()
    value = ", ".join(f"{app} {count}" for app, count in tops.most_common())
    yield "modules at the top of an app", value, f"≤ {MODULES_AT_TOP}", max(tops.values()) <= MODULES_AT_TOP

    folder, most = modules_by_folder().most_common(1)[0]
    yield "largest flat folder", f"{folder} {most}", f"≤ {MODULES_IN_FOLDER}", most <= MODULES_IN_FOLDER

    graph = import_graph.ImportGraph(app_files(), REPOSITORY)
    circles = graph.circles()
    value = ", ".join(str(len(circle)) for circle in circles) or "none"
    yield "import circles, imports in functions counted", value, "none", not circles

    lazy = len(graph.light_lazy_imports())
    yield "imports of light modules inside functions", str(lazy), "0", lazy == 0

    untyped = Counter(str(path.parent.relative_to(REPOSITORY)) for path in untyped_dicts())
    value = f"{untyped.total()}, most in " + ", ".join(f"{name} {n}" for name, n in untyped.most_common(3))
    yield "untyped dictionaries", value, f"≤ {UNTYPED}: where JSON enters", untyped.total() <= UNTYPED

    long = [path for path in written_by_hand() if len(lines_of(path)) > LONGEST_FILE]
    yield f"files of more than {LONGEST_FILE} lines", str(len(long)), "0", not long

    length, first, second = longest_double()
    value = f"{length} lines" + (f" ({first} and {second})" if length else "")
    yield "longest run that stands twice", value, f"≤ {LONGEST_DOUBLE}", length <= LONGEST_DOUBLE


def apps() -> list[Path]:
    """The packages at the top of the tree that are the product."""
    packages = (init.parent for init in REPOSITORY.glob("*/__init__.py"))
    return sorted(package for package in packages if package.name not in NO_APPS)


def app_files() -> list[Path]:
    files = (file for app in apps() for file in app.rglob("*.py") if "migrations" not in file.parts)
    return [*sorted(files), REPOSITORY / "manage.py"]


def written_by_hand() -> list[Path]:
    """The files that no script of `bench/` makes from the code."""
    return [path for path in app_files() if MADE not in path.read_text(encoding="utf-8")[:400]]


def bound_names() -> Iterator[BoundName]:
    for path in app_files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                    yield BoundName(path, node.lineno, name)
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                    yield BoundName(path, node.lineno, name)


def leftovers() -> Iterator[BoundName]:
    return (name for name in bound_names() if name.is_leftover)


def modules_at_top() -> Counter[str]:
    return Counter(file.parent.name for app in apps() for file in app.glob("*.py") if file.stem != "__init__")


def modules_by_folder() -> Counter[str]:
    files = (file for file in app_files() if file.stem != "__init__")
    return Counter(str(file.parent.relative_to(REPOSITORY)) for file in files)


def untyped_dicts() -> Iterator[Path]:
    """The file of each `dict[str, Any]` and `Mapping[str, Any]`, whose wrong key no type checker sees."""
    for path in app_files():
        text = path.read_text(encoding="utf-8")
        yield from [path] * (text.count("dict[str, Any]") + text.count("Mapping[str, Any]"))


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def longest_double() -> tuple[int, str, str]:
    """The longest run of lines that stands in two places, blank lines and imports left out, and the two places."""
    runs: dict[tuple[str, ...], list[Place]] = defaultdict(list)
    files = [statements(path) for path in written_by_hand()]
    for number, lines in enumerate(files):
        for start in range(len(lines) - 5):
            runs[tuple(text for _line, text in lines[start : start + 6])].append((number, start))
    best = (0, "", "")
    for places in runs.values():
        for second in range(1, len(places)):
            for first in range(second):
                length = common_length(files, places[first], places[second])
                if length > best[0]:
                    best = (length, place(files, places[first]), place(files, places[second]))
    return best


def statements(path: Path) -> Lines:
    """The lines of a file that are neither blank nor an import, each with its number."""
    text = path.read_text(encoding="utf-8")
    imports = {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    numbered = enumerate((line.strip() for line in text.splitlines()), 1)
    return [(number, line) for number, line in numbered if line and number not in imports]


def common_length(files: list[Lines], first: Place, second: Place) -> int:
    """How many lines are the same from two places on; within one file a run ends before it meets itself."""
    a, b = files[first[0]][first[1] :], files[second[0]][second[1] :]
    most = min(len(a), len(b), second[1] - first[1] if first[0] == second[0] else len(a))
    return next((i for i in range(most) if a[i][1] != b[i][1]), most)


def place(files: list[Lines], position: Place) -> str:
    path = written_by_hand()[position[0]].relative_to(REPOSITORY)
    return f"{path}:{files[position[0]][position[1]][0]}"


if __name__ == "__main__":
    main()
