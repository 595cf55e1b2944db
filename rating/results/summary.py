"""Every number of a study's report from its columns."""

from __future__ import annotations

import numpy as np

from rating.results.methods import METHODS, versions
from rating.results.sections.accuracy import confidence_auc, policy_results, roc_curves
from rating.results.sections.agreement import intra_rater_results
from rating.results.sections.arena_primary import arena_primary
from rating.results.sections.confidence import confidence_counts
from rating.results.sections.fool_rate import counts_by_truth
from rating.results.sections.primary import primary_result
from rating.results.study_results import (
    Areas,
    Averages,
    FirstPhase,
    SessionResults,
    StudyResults,
    TruthResults,
)
from rating.statistics.accuracy.auc_by_generator import auc_by_generator
from rating.statistics.accuracy.diagnostic_accuracy import ONLY_FAKES, diagnostic_accuracy, scale
from rating.statistics.accuracy.fool_rate import fool_rate, fool_rates_by_group
from rating.statistics.accuracy.forced_choice import forced_choice
from rating.statistics.accuracy.indistinguishable import equivalence_tests
from rating.statistics.accuracy.machines import MachineResults
from rating.statistics.accuracy.unsure import correct, truth_codes
from rating.statistics.agreement.categories import kappa_by_category, unanimous
from rating.statistics.agreement.conger import conger_kappa
from rating.statistics.agreement.homogeneity import pair_habits
from rating.statistics.agreement.ordered import agreement_on_the_scale
from rating.statistics.agreement.pairs import pairwise
from rating.statistics.agreement.random_raters import random_raters
from rating.statistics.agreement.report import agreement_report, counts, counts_by_group, notes
from rating.statistics.arena.results import ArenaResults
from rating.statistics.arrays import Flags, Floats
from rating.statistics.columns import StudyColumns
from rating.statistics.marks import MarkResults
from rating.statistics.mrmc import ustatistic
from rating.statistics.mrmc.averages import area_over_raters, by_both_methods
from rating.statistics.mrmc.rater_tests import against_chance, raters_differ
from rating.statistics.order_effects import by_profile, order_effects, times_per_case
from rating.statistics.ratings_table import LABELS, RatingsTable
from rating.statistics.second_answers import SecondResults
from rating.statistics.usability import Usability


def study_results(
    columns: StudyColumns,
    *,
    policy: str = "wrong",
    margin: float | None = None,
    endpoint: str = "",
    session: int | None = None,
    machines: tuple[MachineResults, ...] = (),
    first_phase: FirstPhase | None = None,
    second: tuple[SecondResults, ...] = (),
    marks: MarkResults | None = None,
    usability: Usability | None = None,
    arena: ArenaResults | None = None,
    versus: tuple[str, str] | None = None,
) -> StudyResults:
    """The report: agreement and counts, and what depends on the truth where that is known.

    arena: where generators are compared, versus: the two of them that the primary result is of. machines: to stand beside; second: of the second questions; marks: where raters marked; first_phase: what was noticed before raters knew the purpose. policy, margin and endpoint
    are the study's declared ones; session is the first one unless given. Undefined numbers are None beside a `reason`.
    """
    session = session or columns.first_session
    table, single = columns.table(session), columns.labels == LABELS
    pairs = pairwise(table.rated().codes, len(table.labels))
    agreement = agreement_report(table, pairs=pairs)
    by_label = kappa_by_category(table.category_counts())
    choice = None if single or arena is not None else forced_choice(columns, session)
    truth = None
    if columns.truth_is_known and single:
        truth = _truth(columns, table, policy=policy, margin=margin, endpoint=endpoint, session=session)
    return StudyResults(
        sessions=tuple(sorted({int(number) for number in np.unique(columns.session)})),
        session=session,
        policy=policy,
        endpoint=endpoint,
        agreement=agreement,
        notes=tuple(notes(agreement)),
        random_raters=random_raters(table, pairs=pairs),
        pair_habits=pair_habits(table.rated().raters, pairs),
        conger_kappa=conger_kappa(table.codes, len(table.labels)),
        unanimous=unanimous(table.category_counts()),
        by_label=dict(zip(table.labels, by_label, strict=True)),
        on_the_scale=agreement_on_the_scale(table.category_counts()) if single else None,
        counts=counts(table),
        counts_by_modality=counts_by_group(table),
        intra=intra_rater_results(columns, session),
        confidence=confidence_counts(columns, session) if single else None,
        times=times_per_case(columns, session),
        order_effects=order_effects(columns, session) if single else None,
        forced_choice=choice,
        arena=arena,
        truth=truth,
        machines=machines,
        first_phase=first_phase,
        second=second,
        marks=marks,
        usability=usability,
        methods=METHODS,
        versions=versions(),
        primary=arena_primary(arena, versus, margin, agreement)
        if arena is not None and endpoint == "strength"
        else primary_result(endpoint, policy, agreement, truth, choice),
    )


def _truth(
    columns: StudyColumns,
    table: RatingsTable,
    *,
    policy: str,
    margin: float | None,
    endpoint: str,
    session: int,
) -> TruthResults:
    fake, levels = columns.is_fake, scale(table.codes, LABELS)
    real_calls, rated = table.codes == LABELS.index("real"), table.codes >= 0
    right, counted = correct(table.codes, truth_codes(table, columns.truth), LABELS.index("unsure"), policy)
    by_kind = auc_by_generator(columns, levels)
    policies = policy_results(table, columns)
    declared = next(row for row in policies if row.policy == policy)
    rate = fool_rate(real_calls[:, fake], rated[:, fake])
    average_rate = (
        rate if rate.estimate.estimate is None else ustatistic.mean(real_calls[:, fake], rated[:, fake])
    )
    by_generator = fool_rates_by_group(columns, table, columns.generator)
    same = columns.checkpoint == columns.generator
    return TruthResults(
        fakes=int(fake.sum()),
        reals=int((~fake).sum()),
        only=ONLY_FAKES if fake.all() else None,
        per_rater=tuple(diagnostic_accuracy(table, columns.truth, policy)),
        counts=counts_by_truth(columns, table),
        fool_rate=rate,
        by_modality=fool_rates_by_group(columns, table, columns.modality),
        by_generator=by_generator,
        by_checkpoint=by_generator if same else fool_rates_by_group(columns, table, columns.checkpoint),
        policies=policies,
        auc=Areas(by_kind.overall, area_over_raters(fake, levels), confidence_auc(columns, table, session)),
        averages=Averages(
            by_both_methods(average_rate, real_calls[:, fake], rated[:, fake]),
            by_both_methods(declared.sensitivity, right[:, fake], counted[:, fake]),
            by_both_methods(declared.specificity, right[:, ~fake], counted[:, ~fake]),
        ),
        auc_by_kind=by_kind,
        curves=roc_curves(columns.raters, fake, levels),
        chance=against_chance(columns.raters, table.codes, fake),
        raters_differ=raters_differ(columns.raters, right, counted),
        equivalence=equivalence_tests(
            by_kind.overall,
            (real_calls, rated),
            (right, counted),
            fake,
            margin=margin,
            endpoint=endpoint,
            policy=policy,
        ),
        experience=by_profile(columns, _share(right, counted)),
        by_session=tuple(
            _of_session(columns, number, policy) for number in np.unique(columns.session).tolist()
        ),
    )


def _of_session(columns: StudyColumns, session: int, policy: str) -> SessionResults:
    table, fake = columns.table(session), columns.is_fake
    real_calls, rated = table.codes == LABELS.index("real"), table.codes >= 0
    declared = next(row for row in policy_results(table, columns) if row.policy == policy)
    return SessionResults(session, declared.accuracy, fool_rate(real_calls[:, fake], rated[:, fake]))


def _share(right: Floats, counted: Flags) -> Floats:
    """Each rater's share of right calls, nan without any that counts."""
    n = counted.sum(axis=1)
    share: Floats = np.where(n > 0, (right * counted).sum(axis=1) / np.maximum(n, 1), np.nan)
    return share
