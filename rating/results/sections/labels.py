"""What raters called the images, and how well they agree: nothing here depends on the truth."""

from __future__ import annotations

from rating.results.display_names import COEFFICIENTS, ON_THE_SCALE, group_name
from rating.results.exhibit import (
    ESTIMATE,
    Cell,
    Exhibit,
    Numbers,
    Table,
    estimate_cells,
    of_any,
    rate_cells,
    shown_in,
)
from rating.results.figures import agreement as draw_agreement
from rating.results.figures import labels as draw_labels

FEW = 10
MOST_PAIRS_SHOWN = 300
TWO_ONLY = "Two raters: the numbers speak of these two raters only."


def labels_by_modality(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = [
        [group_name(group), rater, n["real"], n["fake"], n["unsure"], sum(n.values())]
        for group, raters in numbers["counts_by_modality"].items()
        for rater, n in raters.items()
        if sum(n.values())
    ]
    return Table(("Modality", "Rater", "Real", "Fake", "Unsure", "n"), rows)


def agreement(numbers: Numbers) -> Table:
    report, rows = numbers["agreement"], []
    everything = f"All {shown_in(numbers)}"
    for name, part in {everything: report, **report["by"]}.items():
        for key, value in part["coefficients"].items():
            rows.append([group_name(name), part["images"], COEFFICIENTS[key], *estimate_cells(value)])
    rows.append(
        [
            everything,
            report["images"],
            COEFFICIENTS["conger_kappa"],
            *estimate_cells(numbers["conger_kappa"]),
        ]
    )
    rows.append(
        [everything, report["images"], "All raters said the same", *estimate_cells(numbers["unanimous"])]
    )
    return Table((shown_in(numbers).capitalize(), "n", "Coefficient", *ESTIMATE), rows, numbers["notes"])


def beyond_these(numbers: Numbers) -> Table:
    rows = [
        [COEFFICIENTS[key], *estimate_cells(value)] for key, value in numbers["raters_like_these"].items()
    ]
    note = "The standard errors add the sampling of raters (jackknife) to that of images."
    return Table(("Coefficient", *ESTIMATE), rows, [note])


def by_label(numbers: Numbers) -> Table:
    rows = [[label, *estimate_cells(value)] for label, value in numbers["by_label"].items()]
    return Table(("Label against all others", *ESTIMATE), rows, ["Fleiss κ of each label."])


def on_the_scale(numbers: Numbers) -> Table:
    rows = [[ON_THE_SCALE[key], *estimate_cells(value)] for key, value in numbers["on_the_scale"].items()]
    note = "Linear weights: real against fake is a whole disagreement, unsure against either half of one."
    return Table(("Coefficient", *ESTIMATE), rows, [note])


def pairs(numbers: Numbers) -> Table:
    all_pairs = numbers["agreement"]["pairs"]
    rows = [
        [
            *pair["raters"],
            pair["n"],
            pair["percent_agreement"],
            pair["cohen_kappa"],
            pair["se"],
            pair["reason"] or "",
        ]
        for pair in all_pairs[:MOST_PAIRS_SHOWN]
    ]
    grey = frozenset(at for at, pair in enumerate(all_pairs[:MOST_PAIRS_SHOWN]) if pair["n"] < FEW)
    notes = (
        [f"Pairs with fewer than {FEW} images in common are grey: read nothing into them."] if grey else []
    )
    if len(all_pairs) > MOST_PAIRS_SHOWN:
        notes.append(
            f"The first {MOST_PAIRS_SHOWN} of {len(all_pairs)} pairs; `lungrater analyse --json` has them all."
        )
    return Table(
        ("First rater", "Second rater", "n", "Percent agreement", "Cohen κ", "SE", "Note"), rows, notes, grey
    )


def with_oneself(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = []
    for what, key in (("repeat in the session", "repeats"), ("next session", "next_session")):
        for row in numbers["intra"][key]:
            kappa = row["kappa"]["kappa"]
            rows.append(
                [
                    row["rater"],
                    what,
                    row["n"],
                    *rate_cells(row["same"]),
                    kappa["estimate"],
                    kappa["se"],
                    kappa["reason"] or "",
                ]
            )
    head = ("Rater", "Shown again as", "n", "Same label", "95 % from", "to", "Cohen κ", "SE", "Note")
    return Table(head, rows)


EXHIBITS = (
    Exhibit(
        "labels-by-modality",
        "What each rater called them, by modality",
        labels_by_modality,
        draw_labels.by_modality,
        words="How often each rater called an image real, fake or unsure.",
    ),
    Exhibit(
        "agreement",
        "How well these raters agree",
        agreement,
        draw_agreement.forest,
        missing=lambda numbers: (
            "Only one rater rated, and agreement needs two." if numbers["agreement"]["raters"] < 2 else None
        ),
        words="Agreement is never one number: percent agreement and the coefficients correct for chance each in its own way. "
        "The intervals take images as a sample and these raters as given.",
        fits=of_any,
    ),
    Exhibit(
        "raters-like-these",
        "How well raters like these would agree",
        beyond_these,
        words="The same coefficients for other raters and images of the same kinds: the intervals are wider.",
        missing=lambda numbers: (
            TWO_ONLY
            if numbers["agreement"]["raters"] == 2
            else (
                "Only one rater rated, and agreement needs two."
                if numbers["agreement"]["raters"] < 2
                else None
            )
        ),
        fits=of_any,
    ),
    Exhibit(
        "pairs",
        "Each pair of raters",
        pairs,
        draw_agreement.heat_map,
        missing=lambda numbers: None if numbers["agreement"]["pairs"] else "There is no pair of raters.",
        words="Cohen κ of each pair on the images both rated.",
        fits=of_any,
    ),
    Exhibit(
        "agreement-by-label",
        "Agreement label by label",
        by_label,
        words="Which of the labels raters agree on: each against the two others together.",
    ),
    Exhibit(
        "agreement-on-the-scale",
        "Agreement on the scale real < unsure < fake",
        on_the_scale,
        words="The same coefficients where unsure is between real and fake, so that a near miss is not a whole one.",
    ),
    Exhibit(
        "with-oneself",
        "How well each rater agrees with himself",
        with_oneself,
        words="How often a rater gave the same label when the same image came again.",
        missing=lambda numbers: (
            None
            if numbers["intra"]["repeats"] or numbers["intra"]["next_session"]
            else "No image was shown to a rater twice."
        ),
        fits=of_any,
    ),
)
