"""Plants one bug after another in a copy of the tree and runs the nearest tests on it: each must be caught.

    python -m bench.mutants [WORD …] [--check] [--timeout SECONDS]

WORDs choose bugs by file; --check only says whether every bug can still be planted. Exit 1 where one was not
caught, or its line of code has changed.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench.planted_bugs import BUGS, Bug

ROOT = Path(__file__).resolve().parent.parent
FAILED_TESTS = 1  # pytest's exit status


@dataclass(frozen=True)
class Outcome:
    bug: Bug
    word: str
    seconds: float

    @property
    def is_caught(self) -> bool:
        return self.word == "caught"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("words", nargs="*", metavar="WORD")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--timeout", type=float, default=300.0)
    options = parser.parse_args()
    bugs = [bug for bug in BUGS if not options.words or any(word in bug.file for word in options.words)]
    if options.check:
        outcomes = [Outcome(bug, state_of(bug, ROOT), 0.0) for bug in bugs]
        missing = [outcome for outcome in outcomes if outcome.word != "there"]
        print("\n".join(map(_row, missing)) or f"All {len(bugs)} bugs can be planted.")
        sys.exit(bool(missing))
    with _copy() as tree:
        outcomes = []
        is_green = cache(lambda tests: _tests(tests, tree, options.timeout) == 0)
        for bug in bugs:
            outcomes.append(_outcome(bug, tree, options.timeout, is_green))
            print(_row(outcomes[-1]), flush=True)
    caught = sum(outcome.is_caught for outcome in outcomes)
    print(f"{caught} of {len(bugs)} caught.")
    sys.exit(caught < len(bugs))


def state_of(bug: Bug, tree: Path) -> str:
    file = tree / bug.file
    times = file.read_text().count(bug.before) if file.exists() else 0
    return "there" if times == 1 else f"stands there {times} times"


def _outcome(bug: Bug, tree: Path, timeout: float, is_green: Callable[[tuple[str, ...]], bool]) -> Outcome:
    """Tests that fail without the bug as well say nothing of it."""
    if (state := state_of(bug, tree)) != "there":
        return Outcome(bug, state, 0.0)
    if not is_green(bug.tests):
        return Outcome(bug, "fails without it", 0.0)
    file = tree / bug.file
    sound = file.read_text()
    file.write_text(sound.replace(bug.before, bug.after))
    began = time.monotonic()
    try:
        word = _word_of(_tests(bug.tests, tree, timeout))
    finally:
        file.write_text(sound)
    return Outcome(bug, word, time.monotonic() - began)


def _tests(tests: tuple[str, ...], tree: Path, timeout: float) -> int | None:
    """pytest's exit status, None where it did not end in time."""
    words = ["-x", "-q", "-p", "no:cacheprovider", "-W", "ignore::DeprecationWarning", *tests]
    try:
        done = subprocess.run(
            [sys.executable, "-B", "-m", "pytest", *words],
            cwd=tree,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    return done.returncode


def _word_of(status: int | None) -> str:
    if status is None:
        return "did not end"
    return {0: "SURVIVED", FAILED_TESTS: "caught"}.get(status, f"pytest ended with {status}")


def _row(outcome: Outcome) -> str:
    bug = outcome.bug
    change = " ".join(f"{bug.before} → {bug.after}".split())
    return f"{outcome.word:<10} {outcome.seconds:6.1f} s  {bug.file}: {change[:110]}"


@contextmanager
def _copy() -> Iterator[Path]:
    """The files under version control, and those that are not ignored, with what lies beside them."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as place:
        tree = Path(place) / "tree"
        names = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split("\0")
        for name in filter(None, names):
            if (ROOT / name).is_file():
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, tree / name)
        if (ROOT.parent / "shared").is_dir():
            (Path(place) / "shared").symlink_to((ROOT.parent / "shared").resolve())
        yield tree


if __name__ == "__main__":
    main()
