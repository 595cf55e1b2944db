"""Can raters tell fake from real? AUC, averages, policies for “unsure”, chance, and equivalence: all depends on the truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pool.figure_style import legend, panel
from rating.results.display_names import POLICIES
from rating.results.drawing import MARKERS, MOST_CURVES_NAMED, colours, draw_estimates
from rating.results.exhibit import (
    ESTIMATE,
    INTERVAL,
    NOTE,
    Cell,
    Exhibit,
    Table,
    estimate_cells,
    methods_note,
    of_single_images,
    one_sided,
    p_cell,
    rate_cells,
    why_undefined,
)
from rating.results.study_results import PolicyResults, RocCurve, StudyResults
from rating.statistics.accuracy import roc
from rating.statistics.accuracy.diagnostic_accuracy import ONLY_FAKES, ONLY_REALS
from rating.statistics.accuracy.unsure import POLICIES as UNSURE_POLICIES
from rating.statistics.accuracy.unsure import accuracy_by_policy
from rating.statistics.arrays import Flags, Ints
from rating.statistics.columns import StudyColumns
from rating.statistics.estimate import Estimate
from rating.statistics.mrmc import ustatistic
from rating.statistics.mrmc.moments import RandomMean
from rating.statistics.ratings_table import LABELS, RatingsTable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pool.figure_style import Theme

MOST_CURVES = 30
NO_CONFIDENCE = "Raters were not asked how sure they are."
ENDPOINTS = {
    "auc": "AUC averaged over raters",
    "fool rate": "Fool rate, less the share of real images called real",
    "accuracy": "Mean of sensitivity and specificity",
}
VERDICTS = {None: None, True: "within the margin", False: "not shown to be within the margin"}
THESE_RATERS = "These raters, images sampled"
METHODS = {"u_statistic": "U-statistic", "or_hillis": "Obuchowski–Rockette/Hillis"}


def policy_results(table: RatingsTable, columns: StudyColumns) -> tuple[PolicyResults, ...]:
    """Accuracy, sensitivity and specificity under each policy for “unsure”."""
    kinds = {"accuracy": None, "sensitivity": "fake", "specificity": "real"}
    shares = {name: accuracy_by_policy(table, columns.truth, only) for name, only in kinds.items()}
    for name, kind, why in (("sensitivity", "fake", ONLY_REALS), ("specificity", "real", ONLY_FAKES)):
        if kind not in columns.truth:
            shares[name] = dict.fromkeys(UNSURE_POLICIES, RandomMean(Estimate.undefined(why), None))
    return tuple(
        PolicyResults(
            policy,
            shares["sensitivity"][policy].complement,
            shares["accuracy"][policy],
            shares["sensitivity"][policy],
            shares["specificity"][policy],
        )
        for policy in UNSURE_POLICIES
    )


def confidence_auc(columns: StudyColumns, table: RatingsTable, session: int) -> RandomMean:
    """The AUC over sureness with the sign of the label: surely real … unsure … surely fake."""
    sure = columns.matrix(columns.confidence, columns.main(session), 0)
    if not sure.any():
        return RandomMean(Estimate.undefined(NO_CONFIDENCE), None)
    sign = np.where(
        table.codes == LABELS.index("fake"), 1, np.where(table.codes == LABELS.index("real"), -1, 0)
    )
    levels = np.where((table.codes >= 0) & ((sure > 0) | (sign == 0)), 5 + sign * sure, -1)
    return ustatistic.auc(columns.is_fake, np.asarray(levels, dtype=np.int64))


def roc_curves(raters: Sequence[str], fake: Flags, levels: Ints) -> tuple[RocCurve, ...]:
    """Each rater's ROC curve; of raters with both kinds of image, the first of them only where there are many."""
    curves = []
    for rater, row in zip(raters, levels, strict=True):
        rated = row >= 0
        if fake[rated].any() and not fake[rated].all():
            x, y = roc.curve(fake[rated], row[rated])
            curves.append(RocCurve(rater, tuple(x.tolist()), tuple(y.tolist())))
    return tuple(curves[:MOST_CURVES])


def areas(results: StudyResults) -> Table:
    auc = results.known_truth.auc
    by_method = {
        "U-statistic (any design)": auc.u_statistic,
        "Obuchowski–Rockette/Hillis": auc.or_hillis,
        "Over confidence, U-statistic": auc.confidence,
    }
    rows: list[list[Cell]] = [
        [name, *estimate_cells(area.estimate), area.df, p_cell(area.p(0.5))]
        for name, area in by_method.items()
    ]
    if auc.u_statistic.these_raters:
        rows.append([THESE_RATERS, *estimate_cells(auc.u_statistic.these_raters), None, None])
    note = (
        "Averaged over raters: AUC over real < unsure < fake, ties half. p is that of an AUC of 0.5; a large one, or an interval "
        "that holds 0.5, does not show that fakes cannot be told from real images."
    )
    return Table(("AUC", *ESTIMATE, "df", "p (0.5)"), rows, [note])


def draw_roc(results: StudyResults, theme: Theme) -> Figure:
    figure, (ax,) = panel(theme, height=3.4)
    curves = results.known_truth.curves
    few = len(curves) <= MOST_CURVES_NAMED
    for place, curve in enumerate(curves):
        ax.plot(
            curve.false_alarms,
            curve.hits,
            marker=MARKERS[place % 8] if few else None,
            color=colours(theme)[place % 8] if few else theme.accent,
            linewidth=1.5 if few else 0.8,
            alpha=1 if few else 0.5,
            label=curve.rater if few else None,
        )
    ax.plot([0, 1], [0, 1], color=theme.quiet, linewidth=0.8, linestyle="--", label="chance")
    ax.set_aspect("equal")
    ax.set_xlabel("Real images called fake")
    ax.set_ylabel("Fakes called fake")
    legend(ax, theme, loc="center left", bbox_to_anchor=(1.02, 0.5))
    return figure


def averages(results: StudyResults) -> Table:
    shares = results.known_truth.averages
    by_name = {
        "Fool rate": shares.fool_rate,
        "Sensitivity": shares.sensitivity,
        "Specificity": shares.specificity,
    }
    rows: list[list[Cell]] = [
        [name, METHODS[method], *estimate_cells(average.estimate), average.df]
        for name, both in by_name.items()
        for method, average in (("u_statistic", both.u_statistic), ("or_hillis", both.or_hillis))
    ]
    rows += [
        [name, THESE_RATERS, *estimate_cells(both.u_statistic.these_raters), None]
        for name, both in by_name.items()
        if both.u_statistic.these_raters
    ]
    note = (
        f"Sensitivity and specificity: “unsure” {POLICIES[results.policy]}, {results.policy_origin}. The fool rate is the share called real, "
        "so “unsure” counts as not fooled. The U-statistic weighs every rating alike and holds for any design; "
        "Obuchowski–Rockette with Hillis' degrees of freedom needs every rater to have rated every image. These raters: the mean "
        "of their own shares, images sampled and raters fixed; of two raters it is the primary one."
    )
    return Table(("Share", "Method", *ESTIMATE, "df"), rows, [note])


def policies(results: StudyResults) -> Table:
    rows: list[list[Cell]] = []
    for row in results.known_truth.policies:
        declared = " (declared)" if results.endpoint and row.policy == results.policy else ""
        shares = [
            row.fool_rate.primary,
            row.accuracy.primary,
            row.sensitivity.primary,
            row.specificity.primary,
        ]
        cells = [cell for share in shares for cell in rate_cells(share)]
        rows.append([f"{POLICIES[row.policy]}{declared}", *cells, why_undefined(*shares)])
    names = ("1 − sensitivity", "Accuracy", "Sensitivity", "Specificity")
    head = ("“Unsure”", *(cell for name in names for cell in (name, *INTERVAL)), NOTE)
    every = [row.accuracy.primary_method for row in results.known_truth.policies]
    sources = "The fool rate, the share called real, knows no policy. Simel 1987, Shinkins 2013, STARD 2015 item 15."
    return Table(head, rows, [methods_note(every), sources])


def draw_policies(results: StudyResults, theme: Theme) -> Figure:
    rows = [
        (f"“Unsure” {POLICIES[row.policy]}", row.accuracy.primary) for row in results.known_truth.policies
    ]
    figure, (ax,) = panel(theme, height=2.4)
    draw_estimates(ax, theme, rows)
    ax.set_xlabel("Share called what they are (95 % interval)")
    return figure


def chance(results: StudyResults) -> Table:
    rows: list[list[Cell]] = [
        [
            *(row.rater, row.n, row.right, row.right / row.n if row.n else None),
            *(p_cell(p) for p in (row.p, row.p_holm, row.p_table, row.p_table_holm)),
        ]
        for row in results.known_truth.chance
    ]
    tests = (
        "Decided calls only, for a rater who guesses is also unsure. First p: exact binomial test against one in two, which takes "
        "for granted that half of the images are fake. Second: Fisher's exact test of call by truth, for any share of fakes "
        "and any leaning. Holm: p adjusted for the number of raters."
    )
    caution = "Not different from chance is not the same as indistinguishable: see the equivalence test."
    head = ("Rater", "Decided", "Right", "Share", "p, one in two", "Holm", "p, Fisher", "Holm")
    return Table(head, rows, [tests, caution])


def raters_differ(results: StudyResults) -> Table:
    tests = results.known_truth.raters_differ
    rows: list[list[Cell]] = []
    q = tests.cochran_q
    if q:
        nothing = (None, None, None)
        rows.append(
            ["Cochran's Q, all raters", tests.images, q.q, p_cell(q.p), None, *nothing, q.reason or ""]
        )
    for pair in tests.pairs:
        low, high = pair.difference.ci or (None, None)
        rows.append(
            [
                *(f"McNemar, {pair.raters[0]} and {pair.raters[1]}", pair.n, pair.mcnemar.chi2),
                *(p_cell(pair.mcnemar.p_exact), p_cell(pair.p_holm), pair.difference.estimate, low, high),
                pair.mcnemar.reason or "",
            ]
        )
    note = (
        "Whether raters are right equally often on the same images; McNemar's p is exact. The difference is by how much the first of "
        "the two is oftener right, with Tango's score interval for pairs (95 %)."
    )
    head = ("Test", "Images", "Statistic", "p", "p (Holm)", "Difference", "from", "to", "Note")
    return Table(head, rows, [note])


def equivalence(results: StudyResults) -> Table:
    rows: list[list[Cell]] = []
    for row in results.known_truth.equivalence.tests:
        test = row.test
        low, high = test.ci or (None, None)
        declared = " (declared primary)" if row.of == results.endpoint else ""
        rows.append(
            [
                *(f"{ENDPOINTS[row.of]}{declared}", row.estimate.estimate, row.low, row.high, low, high),
                *(p_cell(test.p), VERDICTS[test.equivalent], test.reason or ""),
            ]
        )
    head = ("Of", "Estimate", "Margin from", "to", "90 % from", "to", "p (TOST)", "Result", "Note")
    note = "Two one-sided tests against the margin declared before unblinding (Schuirmann 1987)."
    methods = [row.method for row in results.known_truth.equivalence.tests]
    return Table(head, rows, [note, methods_note(methods)])


def _no_margin(results: StudyResults) -> str | None:
    tests = results.known_truth.equivalence
    return None if tests.tests else tests.reason


def _nobody_to_differ(results: StudyResults) -> str | None:
    tests = results.known_truth.raters_differ
    return None if tests.pairs or tests.cochran_q else "One rater, so there is nobody to differ from."


def by_session(results: StudyResults) -> Table:
    rows: list[list[Cell]] = []
    methods = []
    for part in results.known_truth.by_session:
        for name, share in (("Accuracy", part.accuracy), ("Fool rate", part.fool_rate)):
            rows.append([part.session, name, *estimate_cells(share.primary)])
            methods.append(share.primary_method)
    note = f"“Unsure” {POLICIES[results.policy]}. The images are the same, so sessions are no independent samples."
    return Table(("Session", "Number", *ESTIMATE), rows, [note, methods_note(methods)])


EXHIBITS = (
    Exhibit(
        "by-session",
        "Each session",
        by_session,
        needs_truth=True,
        words="What became of the calls from one session to the next, as after clues.",
        fits=lambda results: of_single_images(results) and len(results.sessions) > 1,
    ),
    Exhibit(
        "roc",
        "ROC curves",
        areas,
        draw_roc,
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
        draw_policies,
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
        _nobody_to_differ,
        "Whether some raters are right more often than others on the same images.",
    ),
    Exhibit(
        "equivalence",
        "Whether fakes cannot be told from real images",
        equivalence,
        None,
        True,
        lambda results: one_sided(results) or _no_margin(results),
        "“Cannot be told apart” may be said only where the whole interval lies within the margin declared beforehand.",
    ),
)
