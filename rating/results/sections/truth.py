"""How often raters were fooled, by what, and how well they tell fake from real: all of it depends on the truth."""

from __future__ import annotations

from collections.abc import Callable

from rating.results.display_names import POLICIES, group_name
from rating.results.exhibit import (
    ESTIMATE,
    NOTE,
    Cell,
    Exhibit,
    Numbers,
    Table,
    estimate_cells,
    no_fakes,
    one_sided,
    p_cell,
    rate_cells,
    why_undefined,
)
from rating.results.figures import labels as draw_labels
from rating.results.figures import truth as draw

INTERVAL = ("95 % from", "to")
ENDPOINTS = {
    "auc": "AUC averaged over raters",
    "fool rate": "Fool rate, less the share of real images called real",
    "accuracy": "Mean of sensitivity and specificity",
}
VERDICTS = {None: None, True: "within the margin", False: "not shown to be within the margin"}


def labels_by_truth(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = [
        [group_name(group), rater, n["real"], n["fake"], n["unsure"], sum(n.values())]
        for group, raters in numbers["truth"]["counts"].items()
        for rater, n in raters.items()
        if sum(n.values())
    ]
    return Table(("Images", "Rater", "Real", "Fake", "Unsure", "n"), rows)


def fool_rate_by_rater(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = []
    for row in numbers["truth"]["per_rater"]:
        calls = row["table"]["fake"]
        n = sum(calls.values())
        rows.append(
            [row["rater"], n, calls["real"], *rate_cells(row["fool_rate"]), row["fool_rate"]["reason"] or ""]
        )
    overall = numbers["truth"]["fool_rate"]["estimate"]
    if len(rows) > 1:
        fakes, fooled = (sum(int(row[at] or 0) for row in rows) for at in (1, 2))
        rows.append(["All raters", fakes, fooled, *rate_cells(overall), overall["reason"] or ""])
    notes = [
        "Each rater's interval is Wilson's. That over all raters is of raters and images like these (U-statistic); pooling ratings as if independent would be far too narrow."
    ]
    return Table(("Rater", "Fakes rated", "Called real", "Fool rate", *INTERVAL, "Note"), rows, notes)


def per_rater(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = [
        [
            row["rater"],
            *rate_cells(row["sensitivity"]),
            *rate_cells(row["specificity"]),
            row["detection"]["d"]["estimate"],
            row["detection"]["d"]["se"],
            row["detection"]["criterion"]["estimate"],
            *rate_cells(row["auc"]),
            why_undefined(row["sensitivity"], row["specificity"], row["detection"]["d"], row["auc"]),
        ]
        for row in numbers["truth"]["per_rater"]
    ]
    head = (
        "Rater",
        "Sensitivity",
        *INTERVAL,
        "Specificity",
        *INTERVAL,
        "d′",
        "SE",
        "Criterion",
        "AUC",
        *INTERVAL,
        NOTE,
    )
    note = f"“Unsure” {POLICIES[numbers['policy']]}, as declared."
    return Table(head, rows, [note])


def areas(numbers: Numbers) -> Table:
    names = {
        "u_statistic": "U-statistic (any design)",
        "or_hillis": "Obuchowski–Rockette/Hillis",
        "confidence": "Over confidence, U-statistic",
    }
    aucs = numbers["truth"]["auc"]
    rows: list[list[Cell]] = [
        [
            name,
            *estimate_cells(aucs[key]["estimate"]),
            aucs[key]["df"],
            p_cell(aucs["p_of_chance"][key]),
        ]
        for key, name in names.items()
    ]
    note = (
        "Averaged over raters: AUC over real < unsure < fake, ties half. p is that of an AUC of 0.5; a large one, or an interval "
        "that holds 0.5, does not show that fakes cannot be told from real images."
    )
    return Table(("AUC", *ESTIMATE, "df", "p (0.5)"), rows, [note])


def averages(numbers: Numbers) -> Table:
    names = {"fool_rate": "Fool rate", "sensitivity": "Sensitivity", "specificity": "Specificity"}
    methods = {"u_statistic": "U-statistic", "or_hillis": "Obuchowski–Rockette/Hillis"}
    rows: list[list[Cell]] = [
        [name, method, *estimate_cells(both[key]["estimate"]), both[key]["df"]]
        for of, name in names.items()
        for both in [numbers["truth"]["averages"][of]]
        for key, method in methods.items()
    ]
    note = (
        f"“Unsure” {POLICIES[numbers['policy']]}, as declared. The U-statistic weighs every rating alike and holds for any design; "
        "Obuchowski–Rockette with Hillis' degrees of freedom needs every rater to have rated every image."
    )
    return Table(("Share", "Method", *ESTIMATE, "df"), rows, [note])


def policies(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = []
    for row in numbers["truth"]["policies"]:
        declared = " (declared)" if row["policy"] == numbers["policy"] else ""
        values = [row[what]["estimate"] for what in ("accuracy", "sensitivity", "specificity")]
        rows.append(
            [
                f"{POLICIES[row['policy']]}{declared}",
                *(cell for value in values for cell in rate_cells(value)),
                why_undefined(*values),
            ]
        )
    head = ("“Unsure”", "Accuracy", *INTERVAL, "Sensitivity", *INTERVAL, "Specificity", *INTERVAL, NOTE)
    return Table(head, rows, ["Simel 1987, Shinkins 2013, STARD 2015 item 15."])


def chance(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = [
        [
            *(row["rater"], row["n"], row["right"], row["right"] / row["n"] if row["n"] else None),
            *(p_cell(row[key]) for key in ("p", "p_holm", "p_table", "p_table_holm")),
        ]
        for row in numbers["truth"]["chance"]
    ]
    tests = (
        "Decided calls only, for a rater who guesses is also unsure. First p: exact binomial test against one in two, which takes "
        "for granted that half of the images are fake. Second: Fisher's exact test of call by truth, for any share of fakes "
        "and any leaning. Holm: p adjusted for the number of raters."
    )
    caution = "Not different from chance is not the same as indistinguishable: see the equivalence test."
    head = ("Rater", "Decided", "Right", "Share", "p, one in two", "Holm", "p, Fisher", "Holm")
    return Table(head, rows, [tests, caution])


def raters_differ(numbers: Numbers) -> Table:
    tests = numbers["truth"]["raters_differ"]
    rows: list[list[Cell]] = []
    q = tests["cochran_q"]
    if q and q["q"] is not None:
        rows.append(["Cochran's Q, all raters", tests["images"], q["q"], p_cell(q["p"]), None, ""])
    elif q:
        rows.append(["Cochran's Q, all raters", tests["images"], None, None, None, q["reason"] or ""])
    for pair in tests["pairs"]:
        m = pair["mcnemar"]
        rows.append(
            [
                f"McNemar, {pair['raters'][0]} and {pair['raters'][1]}",
                pair["n"],
                m["chi2"],
                p_cell(m["p_exact"]),
                p_cell(pair["p_holm"]),
                m["reason"] or "",
            ]
        )
    return Table(
        ("Test", "Images", "Statistic", "p", "p (Holm)", "Note"),
        rows,
        ["Whether raters are right equally often on the same images; McNemar's p is exact."],
    )


def equivalence(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = []
    for row in numbers["truth"]["equivalence"]["tests"]:
        test = row["test"]
        low, high = test["ci"] or (None, None)
        declared = " (declared primary)" if row["of"] == numbers["endpoint"] else ""
        rows.append(
            [
                f"{ENDPOINTS[row['of']]}{declared}",
                row["estimate"]["estimate"],
                *(row["low"], row["high"], low, high),
                p_cell(test["p"]),
                VERDICTS[test["equivalent"]],
                test["reason"] or "",
            ]
        )
    head = ("Of", "Estimate", "Margin from", "to", "90 % from", "to", "p (TOST)", "Found", "Note")
    notes = [
        "Two one-sided tests against the margin declared before unblinding (Schuirmann 1987), over raters and images like these.",
    ]
    return Table(head, rows, notes)


def _no_margin(numbers: Numbers) -> str | None:
    equivalence = numbers["truth"]["equivalence"]
    return None if equivalence["tests"] else str(equivalence["reason"])


def _none(key: str, sentence: str) -> Callable[[Numbers], str | None]:
    return lambda numbers: None if numbers["truth"][key] else sentence


FOOLED = (
    Exhibit(
        "fool-rate-by-rater",
        "How often each rater was fooled",
        fool_rate_by_rater,
        draw.fool_rate_by_rater,
        True,
        no_fakes,
        "The share of fakes that a rater called real.",
    ),
    Exhibit(
        "labels-by-truth",
        "What each rater called them, by truth",
        labels_by_truth,
        draw_labels.by_truth,
        True,
        words="The 3 × 2 table of each rater: every label, for real images and for fakes apart.",
    ),
    Exhibit(
        "per-rater",
        "Each rater against the truth",
        per_rater,
        None,
        True,
        words="Sensitivity: the share of fakes called fake; specificity: of real images called real. d′ says how far apart a rater "
        "sees the two (0: not at all), the criterion which way he leans (above 0: slow to say fake). AUC: how often a fake "
        "was put above a real image; 0.5 is guessing.",
    ),
)
TELLING = (
    Exhibit(
        "roc",
        "ROC curves",
        areas,
        draw.roc,
        True,
        one_sided,
        "Each rater's hits against false alarms; the further above the dashed line, the better fakes are told from real images.",
    ),
    Exhibit(
        "averages",
        "Averaged over raters like these",
        averages,
        None,
        True,
        words="What to expect of other raters and images of the same kinds, not only of these.",
    ),
    Exhibit(
        "unsure-policies",
        "What an “unsure” is worth: four policies side by side",
        policies,
        draw.policies,
        True,
        words="How much the result hangs on what is made of “unsure”.",
    ),
    Exhibit(
        "chance",
        "Against chance",
        chance,
        None,
        True,
        one_sided,
        "Whether a rater does better, or worse, than one who guesses.",
    ),
    Exhibit(
        "raters-differ",
        "Whether the raters differ",
        raters_differ,
        None,
        True,
        lambda n: (
            None
            if n["truth"]["raters_differ"]["pairs"] or n["truth"]["raters_differ"]["cochran_q"]
            else "One rater, so there is nobody to differ from."
        ),
        "Whether some raters are right more often than others on the same images.",
    ),
    Exhibit(
        "equivalence",
        "Whether fakes cannot be told from real images",
        equivalence,
        None,
        True,
        lambda n: one_sided(n) or _no_margin(n),
        "“Cannot be told apart” may be said only where the whole interval lies within the margin declared beforehand.",
    ),
)
