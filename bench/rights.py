"""The tables of rights at the end of docs/rights.md: roles by permission, and every address by role and part.

Made from what decides and what is tested: `accounts.roles`, the URLconf, and the rows of tests/rights_table.py, by which
tests/test_permissions.py walks every address as every role and with every part. `python bench/rights.py` prints the
tables, `--write` puts them in place.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "rights.md"
BEGIN, END = "<!-- made by bench/rights.py -->", "<!-- end of what bench/rights.py made -->"
ROLES = ("rater", "researcher", "admin")


def tables() -> str:
    return "\n".join([*_permissions(), "", *_addresses()])


def in_place(page: str, made: str) -> str:
    """The page with these tables between its two marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{made}\n{END}{after}"


def _permissions() -> Iterator[str]:
    from accounts.roles import PERMISSIONS

    yield "### Permissions by role"
    yield ""
    yield f"| permission | {' | '.join(ROLES)} |"
    yield "|---|---|---|---|"
    for permission in sorted(frozenset.union(*PERMISSIONS.values())):
        cells = ["yes" if permission in PERMISSIONS[role] else "" for role in ROLES]
        yield f"| `{permission}` | {' | '.join(cells)} |"


def _addresses() -> Iterator[str]:
    from django.urls import get_resolver

    from tests.rights_table import WHO_MAY, paths

    path_of = {
        name: path.replace("^", "").replace("|", "\\|") for name, path in paths(get_resolver().url_patterns)
    }
    yield "### Addresses by role and part"
    yield ""
    yield "| address | name | asked by | roles | least part |"
    yield "|---|---|---|---|---|"
    for name, (people, method) in sorted(WHO_MAY.items(), key=lambda row: (path_of[row[0]], row[0])):
        yield f"| `/{path_of[name]}` | `{name}` | {method.upper()} | {_who(people)} | {_least_part(name)} |"


def _who(people: set[str]) -> str:
    """In words; of two raters the one whose study it is may where the other may not."""
    if "nobody" in people:
        return "everybody"
    roles = [role for role in ROLES if role in people]
    if "rater" in roles and "other rater" not in people:
        roles[0] = "the rater whose it is"
    return ", ".join(roles) if len(roles) < len(ROLES) or "other rater" not in people else "signed in"


def _least_part(name: str) -> str:
    from tests.rights_table import OPENS

    return next((part for part in ("viewer", "editor", "owner") if name in OPENS[part]), "–")


def main() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lungrater.settings")
    django.setup()
    page = tables()
    if "--write" in sys.argv:
        PAGE.write_text(in_place(PAGE.read_text(encoding="utf-8"), page), encoding="utf-8")
    else:
        print(page)


if __name__ == "__main__":
    sys.path.insert(0, str(PAGE.parent.parent))
    main()
