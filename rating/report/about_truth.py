"""How often raters were fooled, by what, and how well they tell fake from real: all of it depends on the truth."""

from __future__ import annotations

from collections.abc import Callable

from rating.figures import labels as draw_labels
from rating.figures import truth as draw
from rating.report.exhibit import ESTIMATE, Cell, Exhibit, Numbers, Table, estimate_cells, p_cell, rate_cells
from rating.report.words import POLICIES, group_name

INTERVAL = ("95 % from", "to")
MACHINE_NUMBERS = (
    "FID and KID: distance from real images, lower is nearer. Machine's AUC: how well a classifier tells the fakes from real "
    "images, 0.5 is not at all. As measured of the checkpoint, else of the dataset, where their intervals stand; values of different extractors or numbers "
    "of images do not compare."
)
ENDPOINTS = {
    "auc": "AUC averaged over raters",
    "fool rate": "Fool rate, less the share of real images called real",
    "accuracy": "Mean of sensitivity and specificity",
}
VERDICTS = {None: None, True: "within the margin", False: "not shown to be within the margin"}
ONLY_REALS = "The study has no fake images, so nobody could be fooled."


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
    )
    said = f"“Unsure” {POLICIES[numbers['policy']]}, as declared. Sensitivity: fakes called fake; criterion above 0: slow to say fake."
    return Table(head, rows, [said, *([numbers["truth"]["only"]] if numbers["truth"]["only"] else [])])


def by_group(key: str, name: str) -> Callable[[Numbers], Table]:
    def table(numbers: Numbers) -> Table:
        rows: list[list[Cell]] = []
        for row in numbers["truth"][key]["groups"]:
            *rate, note = estimate_cells(row["rate"]["estimate"])
            measures = (row[measure] for measure in ("fid", "kid", "machine_auc"))
            counts = (row["images"], row["ratings"], row["fooled"])
            rows.append([group_name(row["name"]), *counts, *rate, *measures, note])
        counted = ("Fakes", "Ratings", "Called real")
        head = (name, *counted, "Fool rate", "SE", *INTERVAL, "FID", "KID", "Machine's AUC", "Note")
        return Table(head, rows, [MACHINE_NUMBERS])

    return table


def differences(numbers: Numbers) -> Table:
    rows = [
        [
            what,
            group_name(row["first"]),
            group_name(row["second"]),
            *estimate_cells(row["difference"]),
            p_cell(row["p"]),
            p_cell(row["p_holm"]),
        ]
        for what, key in (("Generator", "by_generator"), ("Modality", "by_modality"))
        for row in numbers["truth"][key]["differences"]
    ]
    note = "First less second, over raters and images like these; p adjusted for the number of pairs by Holm. A large p does not mean that two are alike."
    return Table(("Of", "First", "Second", *ESTIMATE, "p", "p (Holm)"), rows, [note])


def areas(numbers: Numbers) -> Table:
    names = {
        "u_statistic": "Averaged over raters, U-statistic (any design)",
        "or_hillis": "Averaged over raters, Obuchowski–Rockette/Hillis (all rated all)",
        "confidence": "The same over confidence, U-statistic",
    }
    found = numbers["truth"]["auc"]
    rows: list[list[Cell]] = [
        [name, *estimate_cells(found[key]["estimate"]), found[key]["df"]] for key, name in names.items()
    ]
    note = "AUC over real < unsure < fake, ties half; 0.5 is chance. An interval that holds 0.5 does not show that fakes cannot be told from real images."
    return Table(("AUC", *ESTIMATE, "df"), rows, [note])


def policies(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = []
    for row in numbers["truth"]["policies"]:
        declared = " (declared)" if row["policy"] == numbers["policy"] else ""
        values = (row[what]["estimate"] for what in ("accuracy", "sensitivity", "specificity"))
        rows.append(
            [
                f"{POLICIES[row['policy']]}{declared}",
                *(cell for value in values for cell in rate_cells(value)),
            ]
        )
    head = ("“Unsure”", "Accuracy", *INTERVAL, "Sensitivity", *INTERVAL, "Specificity", *INTERVAL)
    return Table(head, rows, ["Simel 1987, Shinkins 2013, STARD 2015 item 15."])


def chance(numbers: Numbers) -> Table:
    rows = [
        [row["rater"], row["right"], row["n"], p_cell(row["p"]), p_cell(row["p_holm"])]
        for row in numbers["truth"]["chance"]
    ]
    note = "Exact binomial test against 1/2. Not different from chance is not the same as indistinguishable: see the equivalence test."
    return Table(("Rater", "Right", "n", "p", "p (Holm)"), rows, [note])


def raters_differ(numbers: Numbers) -> Table:
    found = numbers["truth"]["raters_differ"]
    rows: list[list[Cell]] = []
    q = found["cochran_q"]
    if q and q["q"] is not None:
        rows.append(["Cochran's Q, all raters", found["images"], q["q"], p_cell(q["p"]), None, ""])
    elif q:
        rows.append(["Cochran's Q, all raters", found["images"], None, None, None, q["reason"] or ""])
    for pair in found["pairs"]:
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


def _no_fakes(numbers: Numbers) -> str | None:
    return None if numbers["truth"]["fakes"] else ONLY_REALS


def _no_fid(numbers: Numbers) -> str | None:
    known = [row for row in numbers["truth"]["by_checkpoint"]["groups"] if row["fid"] is not None]
    return (
        None
        if known
        else "No FID has been measured of the generators in this study, so there is nothing to hold against the fool rate."
    )


def _one_sided(numbers: Numbers) -> str | None:
    truth = numbers["truth"]
    if truth["only"]:
        return str(truth["only"])
    if not truth["fakes"]:
        return "All images are real, so no ROC curve exists."
    return None if truth["curves"] else "No rater rated images of both kinds."


def _no_margin(numbers: Numbers) -> str | None:
    found = numbers["truth"]["equivalence"]
    return None if found["tests"] else str(found["reason"])


def _none(key: str, sentence: str) -> Callable[[Numbers], str | None]:
    return lambda numbers: None if numbers["truth"][key] else sentence


FOOLED = (
    Exhibit(
        "fool-rate-by-rater",
        "How often each rater was fooled",
        fool_rate_by_rater,
        draw.fool_rate_by_rater,
        True,
        _no_fakes,
    ),
    Exhibit(
        "labels-by-truth",
        "What each rater called them, by truth",
        labels_by_truth,
        draw_labels.by_truth,
        True,
    ),
    Exhibit("per-rater", "Each rater against the truth", per_rater, None, True),
)
GENERATORS = (
    Exhibit(
        "fool-rate-by-generator",
        "Fool rate by generator",
        by_group("by_generator", "Generator"),
        draw.fool_rate_by_group("by_generator"),
        True,
        _no_fakes,
    ),
    Exhibit(
        "fool-rate-by-checkpoint",
        "Fool rate by checkpoint",
        by_group("by_checkpoint", "Checkpoint"),
        draw.fool_rate_by_group("by_checkpoint"),
        True,
        _no_fakes,
    ),
    Exhibit(
        "fool-rate-against-fid",
        "Fool rate against FID",
        by_group("by_checkpoint", "Checkpoint"),
        draw.fool_rate_against_fid,
        True,
        lambda n: _no_fakes(n) or _no_fid(n),
    ),
    Exhibit(
        "fool-rate-by-modality",
        "Fool rate by modality",
        by_group("by_modality", "Modality"),
        draw.fool_rate_by_group("by_modality"),
        True,
        _no_fakes,
    ),
    Exhibit(
        "differences",
        "Differences between generators and between modalities",
        differences,
        None,
        True,
        lambda n: (
            None
            if n["truth"]["by_generator"]["differences"] or n["truth"]["by_modality"]["differences"]
            else "There are no two kinds of fakes to compare."
        ),
    ),
)
TELLING = (
    Exhibit("roc", "ROC curves", areas, draw.roc, True, _one_sided),
    Exhibit(
        "unsure-policies",
        "What an “unsure” is worth: four policies side by side",
        policies,
        draw.policies,
        True,
    ),
    Exhibit("chance", "Against chance", chance, None, True, _one_sided),
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
    ),
    Exhibit(
        "equivalence",
        "Whether fakes cannot be told from real images",
        equivalence,
        None,
        True,
        lambda n: _one_sided(n) or _no_margin(n),
    ),
)
