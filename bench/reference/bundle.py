"""The files of a study's bundle, and the columns of its smaller tables."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bench.reference.markdown import table

INTRO = (
    "The zip that **Bundle** on a study's page, `lungrater export STUDY --format bundle` and `/api/v1` make, as its README says it. Columns of `ratings.csv` and `machines.csv` stand under [ratings CSV](ratings-csv.md). "
    "Tables are UTF-8 and RFC 4180."
)


def bundle() -> Iterator[str]:
    from rating.results.export.displays_csv import COLUMNS
    from rating.results.export.log import EVENT, EVENT_TEXTS, REVISION, REVISION_PLACE, REVISION_REST
    from rating.results.export.raters_csv import PROFILE
    from rating.results.export.ratings_csv import CODEBOOK
    from rating.results.export.readme import ALWAYS, BLINDED, EVERY, FIRST, HOLDS, TABLE
    from rating.results.export.remarks_csv import HEAD

    held = HOLDS.format(name="", table=TABLE, images=f"{EVERY}, or {FIRST}")
    yield from table(["file", "what"], _files(held))
    yield "What is always left out:"
    yield ""
    yield from (
        f"- {words}" for words in (*ALWAYS, f"until the study is unblinded, {BLINDED.partition(':')[0]}")
    )
    yield from ("", "## raters.csv", "")
    yield from table(["column", "meaning"], ([f"`{name}`", words] for name, words in PROFILE.items()))
    yield from ("## displays.csv", "")
    yield from table(["column", "meaning"], ([f"`{name}`", words] for name, words in COLUMNS.items()))
    yield from (
        "## remarks.csv",
        "",
        "One row per rating with a remark or reasons; the columns mean what they mean in the ratings.",
        "",
    )
    yield from table(["column", "meaning"], ([f"`{name}`", CODEBOOK[name]] for name in HEAD))
    yield from ("## log.csv and revisions.csv", "")
    yield "With all that their chains are made of; `recompute_log.py` reads them. [The trail](../audit-trail.md) says how rows are chained, [events](events.md) what each action means."
    yield ""
    columns = {
        "log.csv": (*EVENT, *EVENT_TEXTS),
        "revisions.csv": (*REVISION, *REVISION_REST, *REVISION_PLACE),
    }
    yield from table(
        ["file", "columns"],
        ([f"`{name}`", ", ".join(f"`{each}`" for each in names)] for name, names in columns.items()),
    )


def _files(held: str) -> Iterator[list[str]]:
    """The lines of the README that begin with a file's name, each with the lines that go on."""
    for name, words in re.findall(r"^([\w./-]+/?) {2,}((?:.+\n)(?: {18}.+\n)*)", held, re.MULTILINE):
        yield [f"`{name}`", " ".join(words.split())]
