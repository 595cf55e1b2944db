"""The first, purpose-blinded phase: who wrote that images may not be real, and what was called unusual."""

from __future__ import annotations

from rating.results.exhibit import (
    ESTIMATE,
    UNBLIND,
    Cell,
    Exhibit,
    Numbers,
    Table,
    estimate_cells,
    of_first_phase,
)

READ_THEM = (
    "Clopper and Pearson's interval over raters. Remarks are found by words such as fake, generated, artificial or AI, in "
    "English, German and Arabic; the words are the same for every study. Read them, and those not found (under Remarks, "
    "first phase), before you quote the share."
)


def who_noticed(numbers: Numbers) -> Table:
    phase = numbers["first_phase"]
    rows: list[list[Cell]] = [
        [row["rater"], row["images"], row["usual"], row["unusual"], row["unsure"], row["spoke"]]
        for row in phase["raters"]
    ]
    head = ("Rater", "Images", "Usual", "Unusual", "Unsure", "Remarks that speak of generated images")
    return Table(head, rows)


def how_many_noticed(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = [
        ["Raters who wrote of it at least once", *estimate_cells(numbers["first_phase"]["noticed"])]
    ]
    return Table(
        ("Share of", *ESTIMATE),
        rows,
        [READ_THEM],
    )


def what_they_wrote(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = [
        [remark["rater"], remark["image"], remark["remark"]] for remark in numbers["first_phase"]["remarks"]
    ]
    return Table(("Rater", "Image", "Remark"), rows)


def called_unusual(numbers: Numbers) -> Table:
    names = {"fake": "Generated images", "real": "Real images", "difference": "Generated less real"}
    rates = numbers["first_phase"]["unusual"]
    rows: list[list[Cell]] = [[name, *estimate_cells(rates[key]["estimate"])] for key, name in names.items()]
    return Table(("Called unusual", *ESTIMATE), rows, ["Over raters and images like these (U-statistic)."])


EXHIBITS = (
    Exhibit(
        "noticed",
        "How many raters noticed before they were told",
        how_many_noticed,
        words="In the first phase raters did not know that some images are generated. It is kept apart from all other numbers.",
        fits=of_first_phase,
    ),
    Exhibit("noticed-by-rater", "Each rater in the first phase", who_noticed, fits=of_first_phase),
    Exhibit(
        "noticed-remarks",
        "Remarks that speak of it",
        what_they_wrote,
        missing=lambda numbers: (
            None if numbers["first_phase"]["remarks"] else "No remark speaks of generated images."
        ),
        fits=of_first_phase,
    ),
    Exhibit(
        "called-unusual",
        "What was called unusual, by truth",
        called_unusual,
        missing=lambda numbers: UNBLIND if numbers["first_phase"]["unusual"] is None else None,
        fits=of_first_phase,
    ),
)
