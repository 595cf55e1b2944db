"""docs/rights.md says who may do what as the code and the test of permissions do."""

from __future__ import annotations

from bench.rights import BEGIN, END, PAGE, tables


def test_the_tables_of_rights_in_the_docs_are_those_of_the_code() -> None:
    page = PAGE.read_text(encoding="utf-8")
    printed = page.partition(BEGIN)[2].partition(END)[0].strip()

    assert printed == tables(), "docs/rights.md is out of date: python bench/rights.py --write"
