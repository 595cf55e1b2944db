"""The program's answers to the second set of worked examples."""

import math
from typing import Any

import numpy as np

from rating.statistics.accuracy import roc
from rating.statistics.accuracy.detection import Detection, two_cuts
from rating.statistics.accuracy.equivalence import tost
from rating.statistics.agreement.bootstrap import bca, coefficients_of_weights, cohen_of_weights
from rating.statistics.agreement.coefficients import Items
from rating.statistics.agreement.cohen import cohen
from rating.statistics.agreement.goodness_of_fit import common_kappa, kappa_interval
from rating.statistics.agreement.homogeneity import homogeneity, prevalence_and_bias
from rating.statistics.agreement.intra import intra_rater, pooled_self_agreement
from rating.statistics.arena.bradley_terry import Comparisons, abilities
from rating.statistics.estimate import Estimate, logit_interval
from rating.statistics.mrmc import fixed_raters, obuchowski_rockette
from rating.statistics.mrmc.fixed_raters import FixedMean
from rating.statistics.mrmc.paired import cochran_q, holm_adjusted, mcnemar
from rating.statistics.planning import Pilot, images_for_power, reader_power
from rating.statistics.proportions import clopper_pearson, difference, difference_score, paired_difference
from rating.statistics.times import median_interval, quartiles
from rating.statistics.usability import usability

from .worked import Example, answers
from .worked_agreement import codes_of_table


@answers("fleiss1981-diagnosticians", "xray-second-never-unsure", "two-by-two-is-mcnemar")
def marginal_homogeneity(example: Example) -> dict[str, Any]:
    tests = homogeneity(example["data"]["table"])
    return {name: getattr(tests, name) for name in tests.__slots__}


@answers(
    "baseball-1987",
    "bt-four-generators",
    "davidson-four",
    "davidson-three",
    "bt-always-wins",
    "bt-by-rater-6x3",
)
def paired_comparisons(example: Example) -> dict[str, Any]:
    fit = abilities(comparisons_of(example["data"]))
    pooled = [math.nan if row.estimate is None else row.estimate for row in fit.pooled]
    if fit.reason:
        return {"exists": False, "log_ability_centred": None, "se_centred": None, "rank_interval": None}
    spread = [row.se for row in fit.pooled]
    return {
        "log_ability_first_zero": [value - pooled[0] for value in pooled],
        "se_first_zero": [0.0, *(pair.difference.se for pair in fit.pairs if pair.first == fit.items[0])],
        "log_ability_centred": pooled,
        "se_centred": spread,
        "se_pooled": spread,
        "ci_centred": [row.ci for row in fit.pooled],
        "se_by_rater": [row.se for row in fit.by_rater],
        "ci_by_rater": [row.ci for row in fit.by_rater],
        "df": len(set(comparisons_of(example["data"]).rater)) - 1,
        "log_nu": fit.log_tie and fit.log_tie.estimate,
        "log_nu_se": fit.log_tie and fit.log_tie.se,
        "pairs": [
            {
                "pair": [pair.first, pair.second],
                "difference": pair.difference.estimate,
                "se": pair.difference.se,
                "p": pair.p,
                "p_holm": pair.p_holm,
            }
            for pair in fit.pairs
        ],
        "rank_interval": fit.ranks,
    }


def comparisons_of(data: dict[str, Any]) -> Comparisons:
    if "wins" in data:
        ties = np.array(data["ties"]) if "ties" in data else None
        return Comparisons.of_tables(data["items"], np.array(data["wins"]), ties)
    raters = sorted({row[0] for row in data["rows"]})
    of = data["items"].index
    rows = [(raters.index(row[0]), of(row[1]), of(row[2]), row[3], row[4], 0) for row in data["rows"]]
    rater, first, second, first_chosen, second_chosen, tied = np.array(rows).T
    return Comparisons(tuple(data["items"]), rater, first, second, first_chosen, second_chosen, tied)


@answers("intra-3x20", "intra-2x40-skewed")
def self_agreement(example: Example) -> dict[str, Any]:
    words = ("real", "unsure", "fake")
    first, again = (
        np.array([[words.index(word) for word in row] for row in example["data"][occasion]], np.int8)
        for occasion in ("first", "second")
    )
    rows = intra_rater([str(rater) for rater in range(len(first))], first, again, 3)
    pooled = pooled_self_agreement(first, again, 3)
    assert pooled.same.these_raters
    return {
        "percent_by_rater": [row.same.estimate for row in rows],
        "kappa_by_rater": [row.kappa.kappa.estimate for row in rows],
        "kappa_ase_by_rater": [row.kappa.kappa.se for row in rows],
        "pooled_percent": pooled.same.these_raters.estimate,
        "pooled_percent_se_by_image": pooled.same.these_raters.se,
        "pooled_kappa_de_vries": pooled.kappa.estimate,
        "weighted_kappa_inverse_variance": pooled.weighted.estimate,
        "weighted_kappa_se": pooled.weighted.se,
        "homogeneity_chi2": pooled.chi2,
        "homogeneity_df": pooled.df,
    }


@answers("paired-bentur", "paired-zero-c")
def paired_shares(example: Example) -> dict[str, Any]:
    result = paired_difference(example["data"]["table"])
    return {"difference": result.estimate, "tango": result.ci}


@answers("bentur-2009", "mcnemar-equal-2-2", "mcnemar-none-discordant")
def mcnemar_tests(example: Example) -> dict[str, Any]:
    table = example["data"]["table"]
    test = mcnemar(table)
    return {
        "discordant": [table[0][1], table[1][0]],
        "exact_p": test.p_exact,
        "mid_p": test.p_mid,
        "chi2": test.chi2,
        "p": test.p,
        "chi2_cc": test.chi2_corrected,
        "p_cc": test.p_corrected,
    }


@answers("sim-wright-2005", "silva-2007", "paradox-prevalence", "bias-only")
def indices(example: Example) -> dict[str, Any]:
    table = np.array(example["data"]["table"])
    n, agreed = int(table.sum()), int(np.trace(table))
    exact, both = clopper_pearson(agreed, n), prevalence_and_bias(table)
    assert both
    assert exact.estimate is not None
    assert exact.ci
    return {
        "percent_agreement": exact.estimate,
        "kappa": cohen(table).kappa.estimate,
        "prevalence_index": both.prevalence,
        "bias_index": both.bias,
        "pabak": 2 * exact.estimate - 1,
        "pabak_ci_exact": [2 * edge - 1 for edge in exact.ci],
    }


@answers("kappa-gof-seed-ct", "kappa-gof-balanced-50", "kappa-gof-perfect")
def goodness_of_fit(example: Example) -> dict[str, Any]:
    table = example["data"]["table"]
    return {"kappa_common": common_kappa(table), "goodness_of_fit_ci": kappa_interval(table)}


@answers("bca-kappa-seed-xray", "bca-kappa-skewed-60")
def bca_of_kappa(example: Example) -> dict[str, Any]:
    table = example["data"]["table"]
    first, second = codes_of_table(table)
    interval = bca(cohen_of_weights(first, second, len(table)), len(first), resamples=20_000)
    return {"estimate": cohen(table).kappa.estimate, "bca": interval.ci}


@answers("bca-fleiss-5x30-skewed", "bca-fleiss-3x40-balanced")
def bca_of_coefficients(example: Example) -> dict[str, Any]:
    counts = np.array(example["data"]["counts"], dtype=np.float64)
    functions = coefficients_of_weights(Items.of(counts))
    names = {"fleiss": "fleiss_kappa", "alpha": "krippendorff_alpha", "ac1": "gwet_ac1"}
    everything = np.ones((1, len(counts)))
    return {
        short: {
            "estimate": functions[name](everything)[0],
            "bca": bca(functions[name], len(counts), resamples=20_000).ci,
        }
        for short, name in names.items()
    }


@answers("auc-logit-20-20", "auc-logit-50-50")
def auc_by_logit(example: Example) -> dict[str, Any]:
    counts = [example["data"][name] for name in ("negative_counts", "positive_counts")]
    scores = np.concatenate([np.repeat(np.arange(3), n) for n in counts])
    truth = np.repeat([0, 1], [sum(n) for n in counts])
    area = roc.auc(truth, scores)
    return {"auc": area.estimate, "se": area.se, "logit": area.ci}


@answers("newcombe98-diff-b", "newcombe98-diff-g", "fool-ct-xray", "perondi-2004")
def two_shares(example: Example) -> dict[str, Any]:
    sample = [example["data"][name] for name in ("x1", "n1", "x2", "n2")]
    return {
        "difference": difference(*sample).estimate,
        "newcombe": difference(*sample).ci,
        "miettinen_nurminen": difference_score(*sample).ci,
    }


@answers("siegel1956-interviews", "cochran-two-raters", "cochran-all-unanimous")
def cochran(example: Example) -> dict[str, Any]:
    outcomes = np.array(example["data"]["rows"])
    test = cochran_q(outcomes)
    return {"Q": test.q, "df": test.df, "p": test.p, "share": outcomes.mean(axis=0)}


@answers("holm-4", "holm-monotone")
def holm_method(example: Example) -> dict[str, Any]:
    return {"adjusted": holm_adjusted(example["data"]["p"])}


@answers("tost-auc-t", "tost-normal")
def two_one_sided(example: Example) -> dict[str, Any]:
    data, params = example["data"], example["params"]
    low, high = params["null"] - params["margin"], params["null"] + params["margin"]
    test = tost(Estimate(data["estimate"], data["se"]), low, high, data["df"], params["alpha"])
    return {
        "p_lower": test.p_low,
        "p_upper": test.p_high,
        "p": test.p,
        "ci": test.ci,
        "within": test.equivalent,
    }


@answers("sdt3-40-40", "sdt3-always-unsure", "sdt3-never-unsure", "sdt3-leaning")
def three_answers(example: Example) -> dict[str, Any]:
    data = example["data"]
    on_real, on_fake = (dict(zip(data["labels"], data[name], strict=True)) for name in ("on_real", "on_fake"))
    cuts = two_cuts(on_fake, on_real)
    scores = np.concatenate([np.repeat(np.arange(3), data[name]) for name in ("on_real", "on_fake")])
    truth = np.repeat([0, 1], [sum(data["on_real"]), sum(data["on_fake"])])

    def point(cut: Detection, labels: tuple[str, ...]) -> dict[str, Any]:
        hits, alarms = (sum(side[label] for label in labels) for side in (on_fake, on_real))
        return {
            "hit_rate": (hits + 0.5) / (sum(on_fake.values()) + 1),
            "false_alarm_rate": (alarms + 0.5) / (sum(on_real.values()) + 1),
            "d_prime": cut.d.estimate,
            "criterion": cut.criterion.estimate,
        }

    return {
        "loglinear": {
            "fake": point(cuts.fake, ("fake",)),
            "fake_or_unsure": point(cuts.fake_or_unsure, ("fake", "unsure")),
        },
        "auc_three_answers": roc.auc(truth, scores).estimate,
    }


@answers("median-times-15", "median-times-40-ties", "median-five")
def median(example: Example) -> dict[str, Any]:
    values = example["data"]["values"]
    interval = median_interval(values)
    return {
        "median": quartiles(values).median,
        "n": len(values),
        "binomial": interval.ci if interval else None,
        "binomial_level": interval.level if interval else None,
    }


@answers("power-vandyke-j8", "power-sim41")
def power(example: Example) -> dict[str, Any]:
    data = example["data"]
    pilot = Pilot(data["KStar"], data["VarTR"], data["Var"], data["Cov1"], data["Cov2"], data["Cov3"])
    params = example["params"]
    raters, images = params["readers"], params["cases"]
    result = reader_power(pilot, raters, images, params["effect"])
    needed = images_for_power(pilot, raters, params["effect"])
    return {
        "power": result.power,
        "ncp": result.noncentrality,
        "df2": result.df2,
        "cases_for_80_percent": needed,
    }


def of_answers(example: Example) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Codes real 0, unsure 1, fake 2 (-1: none), whether fake, the modality of each image, and the groups."""
    data = example["data"]
    level = {"real": 0, "unsure": 1, "fake": 2, None: -1}
    levels = np.array([[level[word] for word in row] for row in data["answers"].values()])
    fake = np.array([word == "fake" for word in data["truth"]])
    modality = np.array(data.get("modality", ["xray"] * len(fake)))
    return levels, fake, modality, [*dict.fromkeys(modality)]


def as_fixed(mean: FixedMean) -> dict[str, Any]:
    """The normal interval and that of the logit, as the example has them."""
    se, _df = mean.dispersion()
    z = 1.959963984540054
    return {
        "estimate": mean.value,
        "se": se,
        "ci": [mean.value - z * se, mean.value + z * se],
        "ci_logit": logit_interval(mean.value, se, np.inf),
    }


def fixed_numbers(levels: np.ndarray, fake: np.ndarray) -> dict[str, FixedMean | None]:
    rated = levels >= 0
    right = np.where(fake[None, :], levels / 2, 1 - levels / 2)
    return {
        "fool_rate": fixed_raters.share(levels[:, fake] == 0, rated[:, fake]),
        "balanced_accuracy_half": fixed_raters.balanced(right, rated, fake),
        "auc": fixed_raters.area(fake, levels),
    }


@answers("seed-paper-fool-rates", "fixed-5-raters-two-modalities", "fixed-4-raters-missing")
def these_raters(example: Example) -> dict[str, Any]:
    levels, fake, modality, kinds = of_answers(example)
    means = {kind: fixed_numbers(levels[:, modality == kind], fake[modality == kind]) for kind in kinds}
    means["all"] = fixed_numbers(levels, fake)
    found: dict[str, Any] = {
        group: {name: as_fixed(mean) for name, mean in numbers.items() if mean is not None}
        for group, numbers in means.items()
    }
    if {"ct", "xray"} <= set(means):
        found["difference"] = {}
        for name, first in means["ct"].items():
            second = means["xray"][name]
            if first and second:
                estimate = fixed_raters.difference(first, second, student=False)
                found["difference"][name] = {
                    "estimate": estimate.estimate,
                    "se": estimate.se,
                    "ci": estimate.ci,
                }
    return found


@answers("fixed-auc-delong-4x44")
def fixed_area(example: Example) -> dict[str, Any]:
    data = example["data"]
    ratings = np.array(list(data["ratings"][example["params"]["treatment"]].values()))
    truth = np.array(data["truth"])
    area = fixed_raters.area(truth == 1, ratings)
    assert area
    average = obuchowski_rockette.average_reader(*obuchowski_rockette.auc_moments(truth, ratings[None]))[0]
    fixed = as_fixed(area)
    return {
        "auc": area.value,
        "random_readers": {"se": average.estimate.se, "df": average.df, "ci": average.estimate.ci},
        "fixed_readers": {"se": fixed["se"], "ci": fixed["ci"]},
    }


@answers("sus-corners", "sus-8-people", "sus-one-person")
def system_usability(example: Example) -> dict[str, Any]:
    responses = example["data"]["responses"]
    ours = usability([f"R{at}" for at in range(len(responses))], responses, example["params"]["level"])
    return {
        "scores": list(ours.scores),
        "mean": ours.mean.estimate,
        "n": ours.n,
        "sd": ours.sd,
        "ci": list(ours.mean.ci) if ours.mean.ci else None,
    }
