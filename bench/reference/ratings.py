"""The codebook of a study's ratings: what each column means."""

from __future__ import annotations

from collections.abc import Iterator

from bench.reference.markdown import table

INTRO = (
    "`lungrater export STUDY -o FILE`, **Ratings CSV** on a study's page and `/api/v1/studies/SLUG/ratings.csv` give these columns: UTF-8, RFC 4180, "
    "one row per presentation. `lungrater agreement FILE` needs `rater`, `image` and `label` alone."
)


def ratings_csv() -> Iterator[str]:
    from rating.results.export.ratings_csv import CODEBOOK, OF_ARENA, OF_MARKS, OF_SETS, OF_STACKS

    yield from table(["column", "meaning"], ([f"`{name}`", text] for name, text in CODEBOOK.items()))
    yield "## Of studies of pairs and quartets"
    yield ""
    yield "These columns mean something else, or come in addition."
    yield ""
    yield from table(["column", "meaning"], ([f"`{name}`", text] for name, text in OF_SETS.items()))
    yield from ("## Of an arena", "", "As pairs, but for these.", "")
    yield from table(["column", "meaning"], ([f"`{name}`", text] for name, text in OF_ARENA.items()))
    yield from ("## Of studies of stacks, and of marks", "", "These columns come in addition.", "")
    of_images = OF_STACKS | OF_MARKS
    yield from table(["column", "meaning"], ([f"`{name}`", text] for name, text in of_images.items()))
