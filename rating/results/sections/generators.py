"""By which generator and modality raters were fooled, and which fakes they could tell: all of it depends on the truth."""

from __future__ import annotations

from collections.abc import Callable

from rating.results.display_names import group_name
from rating.results.exhibit import (
    ESTIMATE,
    Cell,
    Exhibit,
    Numbers,
    Table,
    estimate_cells,
    no_fakes,
    one_sided,
    p_cell,
)
from rating.results.figures import truth as draw

KINDS = (("Generator", "by_generator"), ("Modality", "by_modality"))
MEASURES = {"fid": "FID", "kid": "KID", "machine_auc": "Machine's AUC"}
MACHINE_NUMBERS = (
    "FID and KID: distance from real images, lower is nearer. Machine's AUC: how well a classifier tells the fakes from real "
    "images, 0.5 is not at all. As measured of the checkpoint, else of the dataset, where their intervals stand; values of different extractors or numbers "
    "of images do not compare."
)


def by_group(key: str, name: str) -> Callable[[Numbers], Table]:
    def table(numbers: Numbers) -> Table:
        groups = numbers["truth"][key]["groups"]
        measures = [measure for measure in MEASURES if any(row[measure] is not None for row in groups)]
        rows: list[list[Cell]] = [
            [
                *(group_name(row["name"]), row["images"], row["ratings"], row["fooled"]),
                *estimate_cells(row["rate"]["estimate"]),
                *(row[measure] for measure in measures),
            ]
            for row in groups
        ]
        counted = (name, "Fakes", "Ratings", "Called real", "Fool rate")
        head = (*counted, *ESTIMATE[1:], *(MEASURES[measure] for measure in measures))
        return Table(head, rows, [MACHINE_NUMBERS] if measures else [])

    return table


def against_fid(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = [
        [group_name(row["name"]), row["fid"], row["images"], *estimate_cells(row["rate"]["estimate"])]
        for row in numbers["truth"]["by_checkpoint"]["groups"]
        if row["fid"] is not None
    ]
    return Table(("Checkpoint", "FID", "Fakes", "Fool rate", *ESTIMATE[1:]), rows, [MACHINE_NUMBERS])


def areas_by_kind(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = [
        [
            *(what, group_name(row["name"]), row["fakes"], row["reals"]),
            *estimate_cells(row["area"]["estimate"]),
        ]
        for what, key in KINDS
        for row in numbers["truth"]["told_apart"][key]["groups"]
    ]
    note = "AUC over real < unsure < fake, averaged over raters and images like these (U-statistic); 0.5 is chance."
    return Table(("Of", "Fakes of", "Fakes", "Real images", "AUC", *ESTIMATE[1:]), rows, [note])


def differences(numbers: Numbers) -> Table:
    truth = numbers["truth"]
    rows: list[list[Cell]] = [
        [
            *(what, number, group_name(row["first"]), group_name(row["second"])),
            *estimate_cells(row["difference"]),
            *(p_cell(row["p"]), p_cell(row["p_holm"])),
        ]
        for what, key in KINDS
        for number, numbers_by_kind in (("fool rate", truth[key]), ("AUC", truth["told_apart"][key]))
        for row in numbers_by_kind["differences"]
    ]
    note = (
        "First less second, over raters and images like these: the raters are the same, the fakes are not; the real images of an "
        "AUC are the same for two generators of one modality and others for two modalities. p adjusted for the number of pairs by "
        "Holm. A large p does not mean that two are alike."
    )
    return Table(("Of", "Number", "First", "Second", *ESTIMATE, "p", "p (Holm)"), rows, [note])


def _no_fid(numbers: Numbers) -> str | None:
    measured_rows = [row for row in numbers["truth"]["by_checkpoint"]["groups"] if row["fid"] is not None]
    return (
        None
        if measured_rows
        else "No FID has been measured of the generators in this study, so there is nothing to hold against the fool rate."
    )


def _no_pair(numbers: Numbers) -> str | None:
    truth = numbers["truth"]
    pairs = any(truth[key]["differences"] for _, key in KINDS)
    return None if pairs else "There are no two kinds of fakes to compare."


GENERATORS = (
    Exhibit(
        "fool-rate-by-generator",
        "Fool rate by generator",
        by_group("by_generator", "Generator"),
        draw.fool_rate_by_group("by_generator"),
        True,
        no_fakes,
        "How often the fakes of each generator were called real.",
    ),
    Exhibit(
        "fool-rate-by-checkpoint",
        "Fool rate by checkpoint",
        by_group("by_checkpoint", "Checkpoint"),
        draw.fool_rate_by_group("by_checkpoint"),
        True,
        no_fakes,
        "The same, at each stage of a generator's training that images were taken from.",
    ),
    Exhibit(
        "fool-rate-against-fid",
        "Fool rate against FID",
        against_fid,
        draw.fool_rate_against_fid,
        True,
        lambda n: no_fakes(n) or _no_fid(n),
        "Whether people are fooled more by images that a machine's distance (FID) calls nearer to real ones.",
    ),
    Exhibit(
        "fool-rate-by-modality",
        "Fool rate by modality",
        by_group("by_modality", "Modality"),
        draw.fool_rate_by_group("by_modality"),
        True,
        no_fakes,
        "How often the fakes of each modality were called real.",
    ),
    Exhibit(
        "auc-by-kind",
        "How well the fakes of each kind are told from real images",
        areas_by_kind,
        draw.areas_by_kind,
        True,
        one_sided,
        "Each generator's fakes against the real images of the same modalities; an AUC of 0.5 is guessing, 1 is never wrong.",
    ),
    Exhibit(
        "differences",
        "Differences between generators and between modalities",
        differences,
        None,
        True,
        lambda n: no_fakes(n) or _no_pair(n),
        "Whether one kind of fake fools more often, or is harder to tell, than another.",
    ),
)
