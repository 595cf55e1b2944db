"""Bytes a row of each table that grows, measured at two sizes, and what a very large site would need by them.

    python -m bench.scale [--json]

Fills two databases of its own (bench/pages_fill.py). The slope between them is what one more row costs, indexes and
out-of-line values included; the large site is that slope times its rows, nothing else.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.pages import filled
from bench.rating_page import home

REPOSITORY = Path(__file__).resolve().parent.parent
SMALL, LARGE = (20_000, 20_000), (100_000, 100_000)  # ratings, images
# 1,000 studies of 100 raters × 1,000 images, read by 10,000 people, out of 10 million images in the pool.
SITE = {
    "rating_rating": 100_000_000,
    "rating_ratingrevision": 100_000_000,
    "rating_presentation": 100_000_000,
    "pool_image": 10_000_000,
    "rating_studyimage": 1_000_000,
    "rating_sitting": 100_000,
    "rating_enrolment": 100_000,
    "accounts_user": 10_000,
}
SIZES = """
    SELECT relname, pg_table_size(oid), pg_indexes_size(oid) FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname = ANY(%s)
"""


@dataclass(frozen=True, slots=True)
class Table:
    rows: int
    table_bytes: int
    index_bytes: int


@dataclass(frozen=True, slots=True)
class Growth:
    table: str
    row_bytes: float
    index_bytes: float
    site_rows: int

    @property
    def site_gib(self) -> float:
        return (self.row_bytes + self.index_bytes) * self.site_rows / 2**30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="print JSON only")
    options = parser.parse_args()
    small, large = (measured(*size) for size in (SMALL, LARGE))
    growths = [growth(name, small[name], large[name]) for name in SITE if large[name].rows > small[name].rows]
    if options.json:
        print(json.dumps([{**asdict(each), "site_gib": round(each.site_gib, 2)} for each in growths]))
        return
    print(f"{'table':<24}{'bytes a row':>14}{'of indexes':>14}{'rows of the site':>20}{'GiB':>10}")
    for each in growths:
        print(
            f"{each.table:<24}{each.row_bytes:>14.0f}{each.index_bytes:>14.0f}{each.site_rows:>20,}"
            f"{each.site_gib:>10.1f}"
        )
    print(f"{'together':<24}{'':>48}{sum(each.site_gib for each in growths):>10.1f}")


def measured(ratings: int, images: int) -> dict[str, Table]:
    """In a home of its own, by a process of its own: settings are read once."""
    command = [
        sys.executable,
        "-c",
        f"from bench.scale import fill_and_print; fill_and_print({ratings}, {images})",
    ]
    done = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True)
    return {name: Table(**facts) for name, facts in json.loads(done.stdout.splitlines()[-1]).items()}


def fill_and_print(ratings: int, images: int) -> None:
    with home():
        from django.db import connection

        filled(ratings, images)
        facts = {}
        with connection.cursor() as cursor:
            cursor.execute(SIZES, [list(SITE)])
            for name, table_bytes, index_bytes in cursor.fetchall():
                cursor.execute(f'SELECT count(*) FROM "{name}"')  # a name of the catalogue
                rows = cursor.fetchone()[0]
                facts[name] = {"rows": rows, "table_bytes": table_bytes, "index_bytes": index_bytes}
        print(json.dumps(facts))


def growth(name: str, small: Table, large: Table) -> Growth:
    rows = large.rows - small.rows
    return Growth(
        name,
        (large.table_bytes - small.table_bytes) / rows,
        (large.index_bytes - small.index_bytes) / rows,
        SITE[name],
    )


if __name__ == "__main__":
    main()
