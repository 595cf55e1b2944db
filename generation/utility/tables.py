"""An experiment's report made ready to read: every number a string, every table a list of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from generation.classifiers.resampling import SeededEstimate
from generation.utility.arms import REAL, SYNTHETIC
from generation.utility.models import UtilityExperiment, UtilityExplanation
from generation.utility.report import in_words
from generation.utility.results import ArmScores, ExternalTest, UtilityResults

SHOWN = ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "auc", "ece")
NAMES = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "auc": "AUC",
    "ece": "Calibration error",
}
FIGURES = (
    ("scores", "Balanced accuracy by what was trained on"),
    ("learning-curve", "By the amount of synthetic images"),
    ("calibration", "Calibration"),
    ("confusion", "What was called what"),
)

EXTERNAL_FIGURE = ("external", "On the test split and on the external test set")
SUBGROUP_FIGURE = ("subgroups", "By subgroup of the test images")


@dataclass(frozen=True)
class Table:
    heads: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class Looked:
    """One explained image by one architecture and method: where both networks looked."""

    image: Any
    architecture: str
    method: str
    synthetic: UtilityExplanation
    real: UtilityExplanation


@dataclass(frozen=True)
class ExternalReport:
    """The external test, ready to read."""

    dataset: str
    sentence: str
    beside: Table
    gaps: Table
    subgroups: Table
    subgroup_gaps: Table

    @classmethod
    def of(cls, numbers: UtilityResults) -> ExternalReport | None:
        external = numbers.external
        if external is None:
            return None
        return cls(
            external.dataset,
            _external_sentence(external),
            _beside(numbers, external),
            _gaps(external),
            _subgroups(external),
            _subgroup_gaps(external),
        )


@dataclass(frozen=True)
class Report:
    headline: str
    sentence: str
    images: Table
    scores: Table
    gaps: Table
    by_class: Table
    subgroups: Table
    subgroup_gaps: Table
    agreement: Table
    explanations: list[Looked]
    figures: tuple[tuple[str, str], ...]
    notes: list[str]
    not_concluded: list[str]
    models: list[tuple[str, str]]
    external: ExternalReport | None

    @classmethod
    def of(cls, experiment: UtilityExperiment) -> Report:
        numbers = experiment.results
        return cls(
            headline=_headline(numbers),
            sentence=_headline_sentence(numbers),
            images=_images(numbers),
            scores=_scores(numbers),
            gaps=_gaps(numbers),
            by_class=_by_class(numbers),
            subgroups=_subgroups(numbers),
            subgroup_gaps=_subgroup_gaps(numbers),
            agreement=_agreement(numbers),
            explanations=_side_by_side(experiment),
            figures=_figures(numbers),
            notes=numbers.notes,
            not_concluded=numbers.not_concluded,
            models=sorted(numbers.models.items()),
            external=ExternalReport.of(numbers),
        )


def _figures(numbers: UtilityResults) -> tuple[tuple[str, str], ...]:
    external = (EXTERNAL_FIGURE,) if numbers.external else ()
    return (*FIGURES[:1], *external, *FIGURES[1:], *((SUBGROUP_FIGURE,) if numbers.subgroups else ()))


def points(score: SeededEstimate) -> str:
    """A difference of shares in percentage points, “−7.2 (−12.1 to −2.0)”."""
    if score.estimate is None:
        return "–"
    words = f"{100 * score.estimate:+.1f}"
    if score.ci:
        words += f" ({100 * score.ci[0]:+.1f} to {100 * score.ci[1]:+.1f})"
    return words.replace("-", "−")


def _headline(numbers: UtilityResults) -> str:
    return f"{points(numbers.quoted.mean)} points"


def _headline_sentence(numbers: UtilityResults) -> str:
    head, scores = numbers.headline, numbers.quoted
    return (
        f"of balanced accuracy on unseen real images, when the same networks are trained on synthetic instead of real "
        f"images: {in_words(scores.synthetic)} against {in_words(scores.real)}. Mean over "
        f"{', '.join(head.architectures)}, {numbers.seeds} seeds each; 95 % intervals by "
        f"{numbers.resamples:,} resamples of the {numbers.test_patients:,} test patients. "
        f"Accuracy: {points(head.accuracy.mean)} points."
    )


def _external_sentence(external: ExternalTest) -> str:
    scores = external.headline.balanced_accuracy
    return (
        f"On {external.test_images:,} images of {external.test_patients:,} patients that nothing was trained on: "
        f"{points(scores.mean)} points of balanced accuracy when trained on synthetic instead of real images, "
        f"{in_words(scores.synthetic)} against {in_words(scores.real)}; the same networks, scores and kind of intervals "
        "as on the test split."
    )


def _beside(numbers: UtilityResults, external: ExternalTest) -> Table:
    """Each arm on both test sets, and what it loses from the one to the other."""
    names = ("balanced_accuracy", "auc")
    rows = [
        [
            *(inside.arm, inside.architecture),
            *(
                words
                for name in names
                for words in (
                    in_words(inside.scores[name]),
                    in_words(outside.scores[name]),
                    points(fall.scores[name]),
                )
            ),
        ]
        for inside, outside, fall in zip(numbers.arms, external.arms, external.falls, strict=True)
    ]
    heads = [
        f"{NAMES[name]}, {what}"
        for name in names
        for what in ("test split", "external", "test split less external")
    ]
    return Table(["Trained on", "Network", *heads], rows)


def _images(numbers: UtilityResults) -> Table:
    names = {"real": "Real, training", "synthetic": "Synthetic", "test": "Real, test"}
    sides = {names[side]: counts for side, counts in numbers.images.items()}
    if numbers.external:
        sides["Real, external test"] = numbers.external.images
    rows = [[name, *(f"{counts[label]:,}" for label in numbers.classes)] for name, counts in sides.items()]
    return Table(["Images", *numbers.classes], rows)


def _scores(numbers: UtilityResults) -> Table:
    rows = [
        [
            *(row.arm, row.architecture, f"{row.real:,} + {row.synthetic:,}", *_budget(row)),
            *(in_words(row.scores[name]) for name in SHOWN),
        ]
        for row in numbers.arms
    ]
    return Table(
        [
            "Trained on",
            "Network",
            "Real + synthetic",
            "Steps",
            "Images seen",
            *(NAMES[name] for name in SHOWN),
        ],
        rows,
    )


def _budget(row: ArmScores) -> tuple[str, str]:
    """Steps, those on synthetic images alone first, and the images drawn in them all."""
    if row.budget is None:
        return "–", "–"
    before = f"{row.budget.steps_before:,} then " if row.budget.steps_before else ""
    return f"{before}{row.budget.steps:,}", f"{row.budget.images_seen:,}"


def _subgroups(numbers: UtilityResults | ExternalTest) -> Table:
    rows = []
    for row in numbers.subgroups:
        own = [row.attribute, row.arm, row.architecture]
        rows += [
            [*own, each.group, f"{each.images:,}", f"{each.patients:,}", in_words(each.auc)]
            for each in row.groups
        ]
        for small in row.too_small:
            reason = f"too small: {small.of_finding} images of “{small.finding}”"
            rows.append([*own, small.group, f"{small.images:,}", "–", reason])
        if row.unknown:
            rows.append([*own, "not known", f"{row.unknown:,}", "–", "–"])
    return Table(["Attribute", "Trained on", "Network", "Group", "Images", "Patients", "AUC"], rows)


def _subgroup_gaps(numbers: UtilityResults | ExternalTest) -> Table:
    rows = [
        [
            row.attribute,
            row.arm,
            row.architecture,
            row.best or "–",
            row.worst or "–",
            in_words(row.gap) if row.gap.estimate is not None else row.gap.reason or "–",
        ]
        for row in numbers.subgroups
    ]
    return Table(["Attribute", "Trained on", "Network", "Best", "Worst", "Gap in AUC"], rows)


def _gaps(numbers: UtilityResults | ExternalTest) -> Table:
    rows = [
        [
            row.arm,
            row.architecture,
            points(row.scores["balanced_accuracy"]),
            points(row.scores["accuracy"]),
            points(row.scores["auc"]),
            f"{row.mcnemar.only_first} : {row.mcnemar.only_second}",
            _p(row.mcnemar.p),
            ", ".join(
                _p(test.p) if len(row.delong) == 1 else f"{label} {_p(test.p)}"
                for label, test in row.delong.items()
            ),
        ]
        for row in numbers.gaps
    ]
    heads = ["Against real only", "Network", "Balanced accuracy", "Accuracy", "AUC"]
    return Table([*heads, "Right alone : real alone", "McNemar p", "DeLong p"], rows)


def _by_class(numbers: UtilityResults) -> Table:
    names = ("precision", "recall", "f1", "auc")
    rows = [
        [row.arm, row.architecture, label, *(in_words(scores[name]) for name in names)]
        for row in numbers.arms
        if row.arm in (SYNTHETIC, REAL)
        for label, scores in row.by_class.items()
    ]
    return Table(["Trained on", "Network", "Finding", *(NAMES[name] for name in names)], rows)


def _agreement(numbers: UtilityResults) -> Table:
    rows = [
        [
            row.architecture,
            row.method,
            str(row.images),
            _number(row.iou),
            _number(row.spearman),
        ]
        for row in numbers.explanations
    ]
    return Table(["Network", "Method", "Images", "Overlap of the highest fifths (IoU)", "Spearman"], rows)


def _side_by_side(experiment: UtilityExperiment) -> list[Looked]:
    there = {
        (row.image_id, row.architecture, row.method, row.arm): row
        for row in experiment.explanations.select_related("image")
    }
    return [
        Looked(row.image, row.architecture, row.method, row, there[image, architecture, method, REAL])
        for (image, architecture, method, arm), row in there.items()
        if arm == SYNTHETIC and (image, architecture, method, REAL) in there
    ]


def _p(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
