"""A published table of two raters, checked against itself: what its counts allow, and which claims they contradict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rating.results.exhibit import Cell, Table
from rating.statistics.ratings_table import LABELS
from rating.statistics.table_consistency import Claim, PublishedTable, TooManyTablesError, check_claim

MOST_TABLES = 200
MOST_IMAGES = 100_000
FEW_VALUES = 6


@dataclass(frozen=True, slots=True)
class Part:
    """One table of a paper: its two raters' counts, and how many images they are said to have called the same."""

    name: str
    first: Mapping[str, int | None]
    second: Mapping[str, int | None]
    claims: Mapping[str, int]


# Ali, Murad, Shah 2022, "Spot the fake lungs": "all remaining fake" is taken as no unsure.
SPOT_THE_FAKE_LUNGS = (
    Part(
        "X-ray",
        {"real": 14, "fake": 4, "unsure": 2},
        {"real": 10, "fake": 10, "unsure": 0},
        {"real": 5, "unsure": 2},
    ),
    Part(
        "CT",
        {"real": 3, "fake": 17, "unsure": 0},
        {"real": 2, "fake": 18, "unsure": 0},
        {"real": 3, "unsure": 2},
    ),
)


def counts_of(words: str) -> dict[str, int | None]:
    """`real=14,fake=4,unsure=2` as counts; a label left out is not reported. Raises ValueError in a sentence."""
    counts: dict[str, int | None] = dict.fromkeys(LABELS)
    for word in filter(None, (part.strip() for part in words.split(","))):
        label, equals, number = (piece.strip() for piece in word.partition("="))
        if label not in LABELS or not equals or not number.isdecimal() or int(number) > MOST_IMAGES:
            raise ValueError(f"{word!r} is not a count such as real=14; the labels are {', '.join(LABELS)}.")
        counts[label] = int(number)
    return counts


@dataclass(frozen=True, slots=True)
class CheckedPart:
    """What the counts of one table allow: ranges, a verdict on each claim, and which tables fit."""

    name: str
    images: int
    ranges: Table
    claims: tuple[Claim, ...]
    fits: str


def check(part: Part) -> CheckedPart:
    """What the counts allow. Raises ValueError."""
    table = PublishedTable(LABELS, part.first, part.second)
    if not table.total:
        raise ValueError("The counts are all zero: there is nothing to check.")
    rows: list[list[Cell]] = [
        [f"both {label}", *(table.cell_range(label, label) or (None, None))] for label in LABELS
    ]
    rows.append(["agreed at all", *(table.agreement_range or (None, None))])
    kappa = table.kappa_range
    rows.append(["Cohen κ", *(kappa or (None, None))])
    claims = [check_claim(f"{part.name}, both {label}", table, label, n) for label, n in part.claims.items()]
    possible = {
        label: n for (label, n), claim in zip(part.claims.items(), claims, strict=True) if claim.feasible
    }
    ranges = Table(("Of the images", "At least", "At most"), rows)
    fits = _fits(table.with_agreed(**possible), possible)
    return CheckedPart(part.name, table.total, ranges, tuple(claims), fits)


def _fits(table: PublishedTable, claims: Mapping[str, int]) -> str:
    """The reconstructions that fit the counts and the claims that these allow."""
    what = ", ".join(f"both {label} {n}" for label, n in claims.items())
    premise = f"With the possible claims taken as true ({what})" if claims else "With no claim taken as true"
    if not table.feasible:
        return f"{premise} no table fits: the claims contradict each other."
    span = table.kappa_range
    if span is None:
        return f"{premise} tables fit; κ is undefined, or a count that is not reported leaves it open."
    between = f"κ from {span[0]:.2f} to {span[1]:.2f}"
    try:
        kappas = table.kappas(MOST_TABLES)
    except TooManyTablesError:
        return f"{premise} too many tables fit to list, with {between}."
    if len(kappas) == MOST_TABLES:
        return f"{premise} {MOST_TABLES} or more tables fit, with {between}."
    values = sorted({round(kappa, 2) for kappa in kappas if kappa is not None})
    many = f"{len(kappas)} table{'s' * (len(kappas) > 1)}"
    few = ", ".join(f"{value:.2f}" for value in values)
    return f"{premise} {many} fit, with {f'κ {few}' if len(values) <= FEW_VALUES else between}."
