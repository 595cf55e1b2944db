"""Every page of the site, with its address and where the documentation speaks of it."""

from __future__ import annotations

from collections.abc import Iterator

from bench.reference.markdown import table
from bench.reference.page_meanings import GROUPS

INTRO = (
    "Every page that a person can open, by the rail beside it, and where these documents tell what it is for. Addresses that give a file, a figure or a part of a page are left out; [rights](../rights.md#every-right) lists all, "
    "with who may open them."
)


def pages_of_the_site() -> Iterator[str]:
    paths = addresses()
    for group, meanings in GROUPS.items():
        yield f"## {group}"
        yield ""
        rows = (
            [title, f"`/{paths[name]}`", f"[{_name_of(target)}](../{target})"]
            for name, (title, target) in meanings.items()
        )
        yield from table(["page", "address", "told in"], rows)


def addresses() -> dict[str, str]:
    from django.urls import get_resolver

    from tests.rights_table import paths

    return {name: path.replace("^", "") for name, path in paths(get_resolver().url_patterns)}


def _name_of(target: str) -> str:
    """`studies.md#freezing` in words: “studies: freezing”."""
    file, _, anchor = target.removeprefix("reference/").partition("#")
    words = file.removesuffix(".md").replace("-", " ")
    return f"{words}: {anchor.replace('-', ' ')}" if anchor else words
