"""The head, the tables and the sentences that every made page has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

HEAD = "<!-- made by bench/reference: change the code, then python -m bench.reference --write -->\n"


def page(title: str, intro: str, lines: Iterable[str]) -> str:
    return "\n".join([f"# {title}", "", HEAD, intro, "", *lines]).rstrip() + "\n"


def table(head: list[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
    yield ""


def sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}{'' if words.endswith('.') else '.'}" if words else ""


def in_place(text: str, name: str, made: str) -> str:
    """The text of a page with this between the two marks of that name."""
    begin, end = f"<!-- {name}: made by bench/reference -->", f"<!-- end of {name} -->"
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n{made}\n{end}{after}"
