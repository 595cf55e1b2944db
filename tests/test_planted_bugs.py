"""`bench/mutants.py` can plant what it names, and run what ought to find it."""

from __future__ import annotations

from bench.mutants import ROOT, state_of
from bench.planted_bugs import BUGS


def test_each_bug_stands_once_in_its_file_and_has_its_tests() -> None:
    states = {f"{bug.file}: {bug.before}": state_of(bug, ROOT) for bug in BUGS}
    tests = {word.partition("::")[0] for bug in BUGS for word in bug.tests}

    assert {place: state for place, state in states.items() if state != "there"} == {}
    assert [test for test in sorted(tests) if not (ROOT / test).exists()] == []
