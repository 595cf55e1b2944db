"""The program's answers to the worked examples on truth, readers, planning and published tables."""

from typing import Any

import numpy as np

from rating.statistics.accuracy import roc
from rating.statistics.accuracy.detection import detection
from rating.statistics.mrmc import obuchowski_rockette, ustatistic
from rating.statistics.mrmc.paired import mcnemar
from rating.statistics.planning import Pilot, images_for_kappa, images_for_power, reader_power
from rating.statistics.proportions import (
    clopper_pearson,
    difference,
    difference_score,
    exact_test,
    jeffreys,
    wilson,
)
from rating.statistics.table_consistency import PublishedTable, check_claim

from .worked import Example, answers, example


@answers("newcombe98-81-263", "newcombe98-0-20")
def one_proportion(example: Example) -> dict[str, Any]:
    x, n = example["data"]["x"], example["data"]["n"]
    return {
        "wilson": wilson(x, n).ci,
        "clopper_pearson": clopper_pearson(x, n).ci,
        "jeffreys": jeffreys(x, n).ci,
    }


@answers("newcombe98-diff")
def two_proportions(example: Example) -> dict[str, Any]:
    sample = [example["data"][name] for name in ("x1", "n1", "x2", "n2")]
    return {"newcombe": difference(*sample).ci, "miettinen_nurminen": difference_score(*sample).ci}


@answers("binom-chance")
def against_chance(example: Example) -> dict[str, Any]:
    (x, n), (y, m) = example["data"]["cases"]
    return {"p_15_40": exact_test(x, n), "ci_17_20": clopper_pearson(y, m).ci}


@answers("mcnemar-agresti")
def approval(example: Example) -> dict[str, Any]:
    found = mcnemar(example["data"]["table"])
    return {"chi2": found.chi2, "p": found.p, "chi2_cc": found.chi2_corrected}


@answers("sdt-10-20-3-20", "sdt-perfect")
def d_prime(example: Example) -> dict[str, Any]:
    told = [example["data"][name] for name in ("hits", "signal", "false_alarms", "noise")]
    found = detection(*told, correction=example["params"]["correction"])
    return {"d": found.d.estimate, "se": found.d.se, "ci": found.d.ci, "c": found.criterion.estimate}


@answers("proc-aSAH")
def three_markers(example: Example) -> dict[str, Any]:
    truth, scores = np.array(example["data"]["truth"]), example["data"]["scores"]
    areas = {name: roc.auc(truth, values, wald=True) for name, values in scores.items()}
    compared = roc.compare(truth, scores["wfns"], scores["s100b"])
    return {
        "auc": [area.estimate for area in areas.values()],
        "se": [area.se for area in areas.values()],
        "ci_s100b": areas["s100b"].ci,
        "z_wfns_s100b": compared.z,
        "p": compared.p,
    }


@answers("hanley-mcneil-1982")
def rating_scale(example: Example) -> dict[str, Any]:
    counts = [example["data"][name] for name in ("negative_counts", "positive_counts")]
    scores = np.concatenate([np.repeat(np.arange(5), n) for n in counts])
    truth = np.repeat([0, 1], [sum(n) for n in counts])
    area = roc.auc(truth, scores, wald=True)
    assert area.estimate is not None
    return {
        "auc": area.estimate,
        "se_delong": area.se,
        "se_hanley_mcneil": roc.hanley_mcneil_se(area.estimate, sum(counts[1]), sum(counts[0])),
    }


def van_dyke() -> tuple[np.ndarray, np.ndarray]:
    """Truth (images,) and ratings (treatments × readers × images)."""
    data = example("vandyke-or-delong")["data"]
    ratings = [list(by_reader.values()) for by_reader in data["ratings"].values()]
    return np.array(data["truth"]), np.array(ratings)


@answers("vandyke-or-delong")
def reader_averages(example: Example) -> dict[str, Any]:
    areas, spread = obuchowski_rockette.auc_moments(*van_dyke())
    found, single = (
        obuchowski_rockette.overall(areas, spread),
        obuchowski_rockette.average_reader(areas, spread),
    )
    difference = found.differences[0, 1]
    return {
        "auc_by_reader": areas.ravel(),
        "error": found.covariances.error,
        "cov1": found.covariances.cov1,
        "cov2": found.covariances.cov2,
        "cov3": found.covariances.cov3,
        "F": found.f,
        "df2": found.df2,
        "p": found.p,
        "diff": difference.estimate,
        "diff_se": difference.se,
        "diff_ci": difference.ci,
        "single_est": [one.estimate.estimate for one in single],
        "single_se": [one.estimate.se for one in single],
        "single_df": [one.df for one in single],
        "single_ci": np.ravel([one.estimate.ci for one in single]),
    }


@answers("vandyke-imrmc-full")
def u_statistic(example: Example) -> dict[str, Any]:
    truth, ratings = van_dyke()
    found = [ustatistic.auc(truth, treatment) for treatment in ratings]
    return {
        "auc": [one.estimate.estimate for one in found],
        "var": [(one.estimate.se or 0) ** 2 for one in found],
        "df_bdg": [one.df for one in found],
    }


@answers("vandyke-ustat11-full")
def u_statistic_of_calls(example: Example) -> dict[str, Any]:
    truth, ratings = van_dyke()
    right = (ratings >= 3) == (truth == 1)
    found = [ustatistic.mean(one, np.ones(one.shape, dtype=np.bool_)) for one in right]
    return {
        "mean": [one.estimate.estimate for one in found],
        "var": [(one.estimate.se or 0) ** 2 for one in found],
    }


@answers("kappasize-power")
def images_needed(example: Example) -> dict[str, Any]:
    data = example["data"]
    shares = (data["prev"], 1 - data["prev"])
    return {"n": images_for_kappa(data["k0"], data["k1"], shares, data["raters"])}


@answers("rjafroc-power")
def power_of_readers(example: Example) -> dict[str, Any]:
    data = example["data"]
    pilot = Pilot(data["KStar"], data["VarTR"], data["Var"], data["Cov1"], data["Cov2"], data["Cov3"])
    found = reader_power(pilot, raters=6, images=251, effect=data["effect"])
    return {
        "power": found.power,
        "ncp": found.noncentrality,
        "df2": found.df2,
        "K_for_J": [images_for_power(pilot, raters, data["effect"]) for raters in example["params"]["J"]],
    }


def span(table: PublishedTable, label: str) -> tuple[int, int]:
    found = table.cell_range(label, label)
    assert found is not None
    return found


@answers("seed-paper-consistency")
def spot_the_fake_lungs(example: Example) -> dict[str, Any]:
    data, labels = example["data"], tuple(example["data"]["order"])
    tables = {
        modality: PublishedTable(
            labels,
            dict(zip(labels, data[modality]["A"], strict=True)),
            dict(zip(labels, data[modality]["B"], strict=True)),
        )
        for modality in ("xray", "ct")
    }
    claims = {
        name: check_claim(name, tables[name.split("_")[0]], name.split("_")[2], n)
        for name, n in data["claims"].items()
    }
    open_second = PublishedTable(labels, tables["xray"].first, {"real": 10}).with_agreed(unsure=2)
    return {
        "ct_both_real_max": span(tables["ct"], "real")[1],
        "xray_both_real_range": span(tables["xray"], "real"),
        "both_unsure_max": {name: span(table, "unsure")[1] for name, table in tables.items()},
        "xray_tables_with_both_real_5": tables["xray"].with_agreed(real=5).tables(),
        "claims_feasible": {name: claim.feasible for name, claim in claims.items()},
        "xray_joint_both_unsure2_min_both_real_if_B_may_be_unsure": span(open_second, "real")[0],
    }
