"""Confidence, time, the course of the sitting, and the raters' experience."""

from __future__ import annotations

from rating.figures import course as draw
from rating.figures import labels as draw_labels
from rating.report.exhibit import ESTIMATE, Cell, Exhibit, Numbers, Table, estimate_cells, of_any, rate_cells
from rating.report.words import KNOWLEDGE

NO_CONFIDENCE = "Raters were not asked how sure they are, or did not say."
NO_TIMES = "No active time was measured."


def confidence(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = [
        ["" if kind == "all" else kind, label, *counts]
        for kind, of_label in numbers["confidence"].items()
        for label, counts in of_label.items()
    ]
    return Table(("Truth", "Label", "1 (guess)", "2", "3", "4", "5 (certain)"), rows)


def times(numbers: Numbers) -> Table:
    found = numbers["times"]
    groups = (
        ("All", {"": found["all"]}),
        ("Label", found["by_label"]),
        ("Call", found["by_correctness"]),
        ("Rater", found["by_rater"]),
    )
    rows: list[list[Cell]] = [
        [what, name, spread["n"], spread["median"], spread["q1"], spread["q3"]]
        for what, group in groups
        for name, spread in group.items()
        if spread["n"]
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
                row["seconds"]["median"],
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
    )
    return Table(
        head,
        rows,
        [
            "Intervals of a quarter are Wilson's over its ratings, for orientation only; the trend below is the test."
        ],
    )


def trend(numbers: Numbers) -> Table:
    names = {"log_seconds": "log of the seconds", "right": "share called right"}
    rows = [[names[key], *estimate_cells(value)] for key, value in numbers["course"]["trends"].items()]
    return Table(
        ("Change from first to last of", *ESTIMATE),
        rows,
        ["One slope per rater, then their mean with Student's t over raters."],
    )


def profile(numbers: Numbers) -> Table:
    found = numbers["truth"]["profile"]
    rows: list[list[Cell]] = [
        ["Years of reading, rank correlation with share right", *estimate_cells(found["years"])],
        ["Uses AI, less does not: share right", *estimate_cells(found["ai_knowledge"])],
    ]
    return Table(("What", *ESTIMATE), rows)


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
    ),
)
TIME = (
    Exhibit(
        "time",
        "Time per case",
        times,
        draw.times,
        missing=lambda n: None if n["times"]["all"]["n"] else NO_TIMES,
        fits=of_any,
    ),
)
COURSE = (
    Exhibit("position", "Along the sitting", position, draw.position),
    Exhibit("trend", "Learning and fatigue", trend),
)
RATERS = (
    Exhibit("profile", "Experience and the share called right", profile, None, True),
    Exhibit("raters", "The raters", profiles, None, True),
)
