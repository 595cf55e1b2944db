"""Confidence, time, the course of the sitting, and the raters' experience."""

from __future__ import annotations

from math import exp

from rating.results.display_names import KNOWLEDGE
from rating.results.exhibit import ESTIMATE, Cell, Exhibit, Numbers, Table, estimate_cells, of_any, rate_cells
from rating.results.figures import labels as draw_labels
from rating.results.figures import order_effects as draw

NO_CONFIDENCE = "Raters were not asked how sure they are, or did not say."
NOTHING_SAID = "No rater said how long he has read or what he knows of AI."
NO_TIMES = "No active time was measured."


def confidence(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = [
        ["" if kind == "all" else kind, label, *counts]
        for kind, of_label in numbers["confidence"].items()
        for label, counts in of_label.items()
    ]
    return Table(("Truth", "Label", "1 (guess)", "2", "3", "4", "5 (certain)"), rows)


def times(numbers: Numbers) -> Table:
    spreads = numbers["times"]
    groups = (
        ("All", {"": spreads["all"]}),
        ("Label", spreads["by_label"]),
        ("Call", spreads["by_correctness"]),
        ("Rater", spreads["by_rater"]),
    )
    rows: list[list[Cell]] = [
        [what, name, quartiles["n"], quartiles["median"], quartiles["q1"], quartiles["q3"]]
        for what, group in groups
        for name, quartiles in group.items()
        if quartiles["n"]
    ]
    return Table(("By", "Group", "n", "Median, s", "Lower quartile", "Upper quartile"), rows)


def position(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = []
    for row in numbers["course"]["quarters"]:
        right = rate_cells(row["right"]) if row["right"] else [None, None, None]
        rows.append(
            [
                row["quarter"],
                row["ratings"],
                *rate_cells(row["called_fake"]),
                *right,
                *(row["seconds"][of] for of in ("median", "q1", "q3")),
            ]
        )
    head = (
        "Quarter",
        "Ratings",
        "Called fake",
        "95 % from",
        "to",
        "Called right",
        "95 % from",
        "to",
        "Median, s",
        "Quartiles, s",
        "and",
    )
    note = "Intervals of a quarter are Wilson's over its ratings, for orientation only; the trend below is the test."
    return Table(head, rows, [note])


def trend(numbers: Numbers) -> Table:
    trends = numbers["course"]["trends"]
    rows: list[list[Cell]] = [
        ["Seconds per image, last as a multiple of first", *ratio_cells(trends["log_seconds"])]
    ]
    if "right" in trends:
        rows.append(["Share called right, last less first", *estimate_cells(trends["right"])])
    note = "One least-squares slope per rater (of the logarithm of the seconds), then their mean with Student's t over raters."
    return Table(("Change along the sitting", *ESTIMATE), rows, [note])


def ratio_cells(estimate: Numbers) -> list[Cell]:
    """A difference of logarithms as the ratio people can read; its standard error would be of the logarithm."""
    low, high = estimate["ci"] or (None, None)
    value = estimate["estimate"]
    return [
        *(None if value is None else exp(value), None),
        *(None if edge is None else exp(edge) for edge in (low, high)),
        estimate["reason"] or "",
    ]


def profile(numbers: Numbers) -> Table:
    correlations = numbers["truth"]["profile"]
    rows: list[list[Cell]] = [
        ["Years of reading, rank correlation with share right", *estimate_cells(correlations["years"])],
        ["Uses AI, less does not: share right", *estimate_cells(correlations["ai_knowledge"])],
    ]
    note = "Rank correlation: Spearman's, with Fisher's z interval (Bonett & Wright 2000); the groups by Welch's t over raters."
    return Table(("What", *ESTIMATE), rows, [note])


def said_of_oneself(rater: Numbers) -> bool:
    return rater["years"] is not None or bool(rater["knowledge"])


def profiles(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = [
        [
            *(row["rater"], row["years"], row["subspecialty"]),
            *(KNOWLEDGE.get(row["knowledge"], row["knowledge"]), row["value"]),
        ]
        for row in numbers["truth"]["profile"]["raters"]
    ]
    return Table(("Rater", "Years", "Subspecialty", "Knowledge of AI", "Share right"), rows)


CONFIDENCE = (
    Exhibit(
        "confidence",
        "How sure raters were",
        confidence,
        draw_labels.confidence,
        missing=lambda n: None if n["confidence"] else NO_CONFIDENCE,
        words="How often each degree of confidence was given, by what the image is and what it was called.",
    ),
)
TIME = (
    Exhibit(
        "time",
        "Time per case",
        times,
        draw.times,
        missing=lambda n: None if n["times"]["all"]["n"] else NO_TIMES,
        words="Active seconds on an image, breaks left out; medians, because some cases take very long.",
        fits=of_any,
    ),
)
COURSE = (
    Exhibit(
        "position",
        "Along the sitting",
        position,
        draw.position,
        words="Labels and time in each quarter of a rater's own order.",
    ),
    Exhibit(
        "trend",
        "Learning and fatigue",
        trend,
        words="Whether raters grow quicker, better or worse on the way: an interval of seconds that holds 1, or of shares that "
        "holds 0, shows neither.",
    ),
)
RATERS = (
    Exhibit(
        "profile",
        "Experience and the share called right",
        profile,
        draw.experience,
        True,
        lambda n: (
            None if any(said_of_oneself(row) for row in n["truth"]["profile"]["raters"]) else NOTHING_SAID
        ),
        words="Whether raters with more years, or who use AI themselves, are right more often.",
    ),
    Exhibit("raters", "The raters", profiles, None, True, words="What raters said of themselves."),
)
