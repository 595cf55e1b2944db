"""Every number of a study's report from its columns, as one dictionary ready for JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from rating.results.methods import METHODS, versions
from rating.statistics.accuracy import roc
from rating.statistics.accuracy.auc_by_generator import auc_by_generator
from rating.statistics.accuracy.diagnostic_accuracy import ONLY_FAKES, ONLY_REALS, against_truth, scale
from rating.statistics.accuracy.fool_rate import fool_rate, fooled_by
from rating.statistics.accuracy.forced_choice import choices
from rating.statistics.accuracy.indistinguishable import equivalence_tests
from rating.statistics.accuracy.unsure import POLICIES, accuracy_by_policy, correct, truth_codes
from rating.statistics.agreement.categories import kappa_by_category, unanimous
from rating.statistics.agreement.conger import conger_kappa
from rating.statistics.agreement.intra import intra_rater
from rating.statistics.agreement.ordered import agreement_on_the_scale
from rating.statistics.agreement.pairs import pairwise
from rating.statistics.agreement.random_raters import raters_like_these
from rating.statistics.agreement.report import agreement_report, counts, notes
from rating.statistics.arrays import Flags, Floats, Ints
from rating.statistics.columns import REPEAT, StudyColumns
from rating.statistics.estimate import Estimate
from rating.statistics.mrmc import ustatistic
from rating.statistics.mrmc.averages import area_over_raters, by_both_methods
from rating.statistics.mrmc.moments import RandomMean
from rating.statistics.mrmc.rater_tests import against_chance, raters_differ
from rating.statistics.order_effects import along_the_sitting, by_profile, times
from rating.statistics.ratings_table import LABELS, RatingsTable

CONFIDENCES = range(1, 6)
MOST_CURVES = 30
NO_CONFIDENCE = "Raters were not asked how sure they are."


def study_numbers(
    columns: StudyColumns,
    *,
    policy: str = "wrong",
    margin: float | None = None,
    endpoint: str = "",
    session: int | None = None,
    machines: Sequence[Mapping[str, Any]] = (),
    first_phase: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The whole report: agreement and counts, and what depends on the truth where that is known.

    machines: what `machine_numbers` gives, to stand beside; first_phase: what was noticed before raters were told the
    purpose.

    policy, margin and endpoint are the study's declared ones; session is the first one unless said. Undefined numbers
    are None beside a `reason`.
    """
    session = session or columns.first_session
    table, single = columns.table(session), columns.labels == LABELS
    pairs = pairwise(table.rated().codes, len(table.labels))
    agreement = agreement_report(table, pairs=pairs)
    numbers: dict[str, Any] = {
        "sessions": sorted({int(number) for number in np.unique(columns.session)}),
        "session": session,
        "policy": policy,
        "endpoint": endpoint,
        "notes": notes(agreement),
        "raters_like_these": raters_like_these(table, pairs=pairs),
        "conger_kappa": conger_kappa(table.codes, len(table.labels)),
        "unanimous": unanimous(table.category_counts()),
        "by_label": dict(zip(table.labels, kappa_by_category(table.category_counts()), strict=True)),
        "on_the_scale": agreement_on_the_scale(table.category_counts()) if single else None,
        "counts": counts(table),
        "counts_by_modality": counts(table, "modality"),
        "intra": _intra(columns, session),
        "confidence": _confidence_counts(columns, session) if single else None,
        "times": times(columns, session),
        "course": along_the_sitting(columns, session) if single else None,
        "choice": None if single else choices(columns, session),
        "truth": _with_truth(columns, table, policy=policy, margin=margin, endpoint=endpoint, session=session)
        if columns.truth_is_known and single
        else None,
        "machines": machines,
        "first_phase": first_phase,
        "methods": METHODS,
        "versions": versions(),
    }
    # The agreement report is plain already; with 20,000 pairs of raters, walking it again would cost a second.
    return {**as_plain(numbers), "agreement": agreement}


def _with_truth(
    columns: StudyColumns,
    table: RatingsTable,
    *,
    policy: str,
    margin: float | None,
    endpoint: str,
    session: int,
) -> dict[str, Any]:
    fake = np.array([word == "fake" for word in columns.truth], dtype=np.bool_)
    real_calls, is_rated = table.codes == LABELS.index("real"), table.codes >= 0
    per_rater = against_truth(table, columns.truth, policy)
    levels = scale(table.codes, LABELS)
    area, kinds_areas = auc_by_generator(columns, levels)
    areas = {
        "u_statistic": area,
        "or_hillis": area_over_raters(fake, levels),
        "confidence": _confidence_auc(columns, table, fake, session),
    }
    policies = _policies(table, columns)
    declared = next(row for row in policies if row["policy"] == policy)
    fool_rates = fool_rate(real_calls[:, fake], is_rated[:, fake])
    fool_rate_average = (
        fool_rates
        if fool_rates.estimate.estimate is None
        else ustatistic.mean(real_calls[:, fake], is_rated[:, fake])
    )
    by_generator = fooled_by(columns, table, columns.generator)
    right, counted = correct(table.codes, truth_codes(table, columns.truth), LABELS.index("unsure"), policy)
    return {
        "fakes": int(fake.sum()),
        "reals": int((~fake).sum()),
        "only": ONLY_FAKES if fake.all() else None,
        "per_rater": per_rater,
        "counts": counts(table, _truth_groups(columns)),
        "fool_rate": fool_rates,
        "by_modality": fooled_by(columns, table, columns.modality),
        "by_generator": by_generator,
        "by_checkpoint": by_generator
        if columns.checkpoint == columns.generator
        else fooled_by(columns, table, columns.checkpoint),
        "policies": policies,
        "auc": areas | {"p_of_chance": {name: area_estimate.p(0.5) for name, area_estimate in areas.items()}},
        "averages": {
            "fool_rate": by_both_methods(fool_rate_average, real_calls[:, fake], is_rated[:, fake]),
            "sensitivity": by_both_methods(declared["sensitivity"], right[:, fake], counted[:, fake]),
            "specificity": by_both_methods(declared["specificity"], right[:, ~fake], counted[:, ~fake]),
        },
        "told_apart": kinds_areas,
        "curves": _curves(columns.raters, fake, levels),
        "chance": against_chance(columns.raters, table.codes, fake),
        "raters_differ": raters_differ(columns.raters, right, counted),
        "equivalence": equivalence_tests(
            area, (real_calls, is_rated), (right, counted), fake, margin=margin, endpoint=endpoint
        ),
        "profile": by_profile(columns, _share(right, counted)),
    }


def _truth_groups(columns: StudyColumns) -> list[str]:
    return [f"{kind}, {word}" for kind, word in zip(columns.modality, columns.truth, strict=True)]


def _policies(table: RatingsTable, columns: StudyColumns) -> list[dict[str, Any]]:
    kinds = {"accuracy": None, "sensitivity": "fake", "specificity": "real"}
    accuracies = {what: accuracy_by_policy(table, columns.truth, only) for what, only in kinds.items()}
    for what, kind, why in (("sensitivity", "fake", ONLY_REALS), ("specificity", "real", ONLY_FAKES)):
        if kind not in columns.truth:
            accuracies[what] = dict.fromkeys(POLICIES, RandomMean(Estimate.undefined(why), None))
    return [{"policy": name, **{what: accuracies[what][name] for what in kinds}} for name in POLICIES]


def _confidence_auc(columns: StudyColumns, table: RatingsTable, fake: Flags, session: int) -> RandomMean:
    """The AUC over sureness with the sign of the label: surely real … unsure … surely fake."""
    sure = columns.matrix(columns.confidence, columns.main(session), 0)
    if not sure.any():
        return RandomMean(Estimate.undefined(NO_CONFIDENCE), None)
    sign = np.where(
        table.codes == LABELS.index("fake"), 1, np.where(table.codes == LABELS.index("real"), -1, 0)
    )
    levels = np.where((table.codes >= 0) & ((sure > 0) | (sign == 0)), 5 + sign * sure, -1)
    return ustatistic.auc(fake, np.asarray(levels, dtype=np.int64))


def _curves(raters: Sequence[str], fake: Flags, levels: Ints) -> list[dict[str, Any]]:
    """Each rater's ROC curve; of raters with both kinds of image, the first of them only where there are many."""
    curves = []
    for rater, row in zip(raters, levels, strict=True):
        is_rated = row >= 0
        if fake[is_rated].any() and not fake[is_rated].all():
            x, y = roc.curve(fake[is_rated], row[is_rated])
            curves.append({"rater": rater, "false_alarms": x.tolist(), "hits": y.tolist()})
    return curves[:MOST_CURVES]


def _share(right: Floats, counted: Flags) -> Floats:
    n = counted.sum(axis=1)
    share: Floats = np.where(n > 0, (right * counted).sum(axis=1) / np.maximum(n, 1), np.nan)
    return share


def _intra(columns: StudyColumns, session: int) -> dict[str, Any]:
    """Each rater with himself: repeats within the session, and the first session with the second."""
    first = columns.table(session)
    again = columns.table(session, REPEAT)
    agreements = {"repeats": intra_rater(columns.raters, first.codes, again.codes, len(columns.labels))}
    later = columns.table(session + 1)
    agreements["next_session"] = intra_rater(columns.raters, first.codes, later.codes, len(columns.labels))
    return {name: [row for row in rows if row.n] for name, rows in agreements.items()}


def _confidence_counts(columns: StudyColumns, session: int) -> dict[str, Any] | None:
    """{truth or "all": {label: how many at each confidence 1 … 5}}; None where nobody was asked."""
    has_confidence = columns.main(session) & (columns.confidence > 0)
    if not has_confidence.any():
        return None
    label, sure = columns.label[has_confidence], columns.confidence[has_confidence]
    truth = np.array(columns.truth, dtype=object)[columns.image[has_confidence]]
    kinds = ("real", "fake") if columns.truth_is_known else ("",)
    return {
        kind or "all": {
            word: [int(((truth == kind) & (label == code) & (sure == level)).sum()) for level in CONFIDENCES]
            for code, word in enumerate(LABELS)
        }
        for kind in kinds
    }


def as_plain(value: Any) -> Any:
    """The same in dictionaries, lists, numbers and words only; what is not a finite number becomes None."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): as_plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [as_plain(part) for part in value]
    if isinstance(value, np.generic):
        return as_plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
