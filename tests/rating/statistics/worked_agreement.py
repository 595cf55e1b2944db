"""The program's answers to the worked examples on agreement."""

from typing import Any

import numpy as np

from rating.statistics.agreement.alpha import alpha
from rating.statistics.agreement.categories import fleiss_test, kappa_by_category, unanimous
from rating.statistics.agreement.coefficients import COEFFICIENTS, Items, coefficients
from rating.statistics.agreement.cohen import cohen
from rating.statistics.agreement.conger import conger_kappa
from rating.statistics.agreement.pairs import light_kappa, pairwise
from rating.statistics.agreement.weights import WEIGHTS
from rating.statistics.estimate import Estimate

from .worked import Example, answers, codes_of, counts_of

NAMES = {
    "pa": "percent_agreement",
    "gwet": "gwet_ac1",
    "fleiss": "fleiss_kappa",
    "krippendorff": "krippendorff_alpha",
    "bp": "brennan_prediger",
}
SCALES = ("identity", "ordinal", "linear", "quadratic")


def as_value(found: Estimate) -> dict[str, Any]:
    return {"value": found.estimate, "se": found.se, "ci": found.ci}


def codes_of_table(table: list[list[int]]) -> np.ndarray:
    """The two raters' codes that make this table."""
    cells = [
        (first, second) for first, row in enumerate(table) for second, n in enumerate(row) for _ in range(n)
    ]
    return np.array(cells, np.int8).T


@answers("fleiss1971-fleiss")
def fleiss(example: Example) -> dict[str, Any]:
    found = coefficients(counts_of(codes_of(example)))["fleiss_kappa"]
    return {"kappa": found.estimate}


@answers("fleiss1971-categories")
def by_category(example: Example) -> dict[str, Any]:
    counts = counts_of(codes_of(example))
    return {"kappa_by_category": [k.estimate for k in kappa_by_category(counts)], "z": fleiss_test(counts).z}


@answers(*(f"fleiss1971-{name}-se" for name in NAMES))
def fleiss_data_with_errors(example: Example) -> dict[str, Any]:
    name = NAMES[example["id"].split("-")[1]]
    return as_value(coefficients(counts_of(codes_of(example)))[name])


@answers(*(f"raw4raters-{name}-{scale}" for name in NAMES for scale in SCALES))
def with_missing_ratings(example: Example) -> dict[str, Any]:
    _, name, scale = example["id"].split("-")
    counts = counts_of(codes_of(example))
    items = Items.of(counts, WEIGHTS[scale](counts.shape[1]))
    return as_value(COEFFICIENTS[NAMES[name]](items, 0.95))


@answers("fleiss1971-conger", "raw4raters-conger")
def conger(example: Example) -> dict[str, Any]:
    codes = codes_of(example)
    return as_value(conger_kappa(codes, codes.max() + 1))


@answers("fleiss1971-light")
def light(example: Example) -> dict[str, Any]:
    codes = codes_of(example)
    pairs = pairwise(codes, 5)
    kappas = pairs.kappas.estimate
    second_and_third = (pairs.first == 1) & (pairs.second == 2)
    return {
        "light": light_kappa(codes, 5).estimate,
        "pair_2_3": kappas[second_and_third][0],
        "pairs": kappas,
    }


@answers("fleiss1971-agree")
def all_identical(example: Example) -> dict[str, Any]:
    share = unanimous(counts_of(codes_of(example))).estimate
    assert share is not None
    return {"percent": 100 * share}


@answers(*(f"kripp2011-{metric}" for metric in ("nominal", "ordinal", "interval", "ratio")))
def krippendorff(example: Example) -> dict[str, Any]:
    metric = example["id"].split("-")[1]
    return {"alpha": alpha(counts_of(codes_of(example)), metric).estimate}


@answers("cont3x3abstractors-cohen")
def cohen_with_interval(example: Example) -> dict[str, Any]:
    found = cohen(example["data"]["table"], student=True).kappa
    return {"kappa": found.estimate, "se": found.se, "ci": found.ci}


@answers("cont3x3abstractors-ac1")
def ac1_of_table(example: Example) -> dict[str, Any]:
    return as_value(coefficients(counts_of(codes_of_table(example["data"]["table"])))["gwet_ac1"])


@answers("sas-kappa", "fleiss-levin-paik")
def cohen_as_printed(example: Example) -> dict[str, Any]:
    found = cohen(example["data"]["table"])
    kappa = found.kappa
    return {
        "kappa": kappa.estimate,
        "ase": kappa.se,
        "se": kappa.se,
        "ci": kappa.ci,
        "ase0": found.se0,
        "se0": found.se0,
        "z": found.z,
        "p_two": found.p,
    }


@answers("paradox-a", "paradox-b")
def paradox(example: Example) -> dict[str, Any]:
    table = example["data"]["table"]
    found = coefficients(counts_of(codes_of_table(table)))
    return {
        "kappa": cohen(table).kappa.estimate,
        "ac1": found["gwet_ac1"].estimate,
        "pabak": found["brennan_prediger"].estimate,
        "po": found["percent_agreement"].estimate,
    }


@answers("deg-one-category", "deg-perfect")
def degenerate(example: Example) -> dict[str, Any]:
    found = coefficients(np.array(example["data"]["counts"]))
    for name in ("fleiss_kappa", "krippendorff_alpha"):
        assert found[name].estimate is not None or found[name].reason
    return {
        "pa": found["percent_agreement"].estimate,
        "gwet_q3": found["gwet_ac1"].estimate,
        "bp_q3": found["brennan_prediger"].estimate,
        "fleiss": found["fleiss_kappa"].estimate,
        "krippendorff": found["krippendorff_alpha"].estimate,
    }
