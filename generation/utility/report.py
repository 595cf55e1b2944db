"""The report of an experiment computed: every arm's scores, the gaps between arms, and what may not be concluded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from generation.classifiers.comparisons import delong, mcnemar
from generation.classifiers.resampling import Floats, Numbers, Resampling, SeededEstimate
from generation.classifiers.scores import SCORES, confusion, reliability, scores, scores_by_class
from generation.utility.arms import REAL, SYNTHETIC
from generation.utility.results import (
    ArmScores,
    CurvePoint,
    Gap,
    Headline,
    HeadlineScore,
    TrainedFor,
    UtilityResults,
)
from generation.utility.subgroups import ResampledTest, gap_between, unknown_of

Values = Mapping[tuple[str, str], Mapping[str, Floats]]
OTHER_BOUNDS = {"brier": (0.0, 2.0)}
HEADLINE = "balanced_accuracy"
OTHER_PLACES = "Anything about other hospitals, devices or patients than those of the test split."
FEW_PATIENTS, FEW_SEEDS = 100, 3


@dataclass(frozen=True)
class Fitted:
    """What one arm of one architecture said: probabilities (seeds, test images, classes), and what it was trained on."""

    arm: str
    architecture: str
    real: int
    synthetic: int
    probabilities: Floats
    budget: TrainedFor | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.arm, self.architecture

    @property
    def together(self) -> Floats:
        """The mean over seeds: what tests and tables of single images are about."""
        return np.asarray(self.probabilities.mean(axis=0))


@dataclass(frozen=True)
class HeldOut:
    """The untouched real images: the class number and the patient of each, and its value of each attribute."""

    truth: Numbers
    patients: Sequence[str]
    classes: tuple[str, ...]
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Measured:
    """Every classifier on the same test images: their resamples, and each score as (seeds, resamples + 1).

    `fitted` holds at least the arms “real only” and “synthetic only”.
    """

    fitted: Sequence[Fitted]
    test: HeldOut
    draw: Resampling
    values: Values

    @classmethod
    def of(cls, fitted: Sequence[Fitted], test: HeldOut, *, resamples: int, seed: int) -> Measured:
        seeds = len(fitted[0].probabilities)
        draw = Resampling.of(test.truth, test.patients, seeds=seeds, resamples=resamples, seed=seed)
        return cls(fitted, test, draw, {fit.key: _values(fit, test, draw) for fit in fitted})

    def report(self, notes: Sequence[str] = ()) -> UtilityResults:
        """All numbers."""
        return _report(self, notes)


def _report(measured: Measured, notes: Sequence[str]) -> UtilityResults:
    fitted, test, draw, values = measured.fitted, measured.test, measured.draw, measured.values
    tested = ResampledTest(test.truth, test.patients, test.classes, draw)
    architectures = list(dict.fromkeys(fit.architecture for fit in fitted))
    return UtilityResults(
        classes=list(test.classes),
        seeds=len(fitted[0].probabilities),
        resamples=len(draw.seeds),
        test_images=len(test.truth),
        test_patients=draw.patients,
        headline=_headline(values, architectures, draw),
        arms=[_arm(fit, values[fit.key], test, draw) for fit in fitted],
        gaps=[_gap(fit, fitted, values, test, draw) for fit in fitted if fit.arm != REAL],
        curve=_curve(fitted, values, draw),
        notes=[*notes, *unknown_of(test.groups)],
        not_concluded=_not_concluded(
            draw,
            len(fitted[0].probabilities),
            len(test.truth),
            has_subgroups=any(map(any, test.groups.values())),
        ),
        subgroups=[
            gap_between(fit.key, attribute, of_images, fit.probabilities, tested)
            for attribute, of_images in test.groups.items()
            if any(of_images)
            for fit in fitted
        ],
    )


def _values(fit: Fitted, test: HeldOut, draw: Resampling) -> dict[str, Floats]:
    """Each score as (seeds, resamples + 1)."""
    of_seeds = [scores(test.truth, probabilities, draw.counts) for probabilities in fit.probabilities]
    return {name: np.stack([values[name] for values in of_seeds]) for name in SCORES}


def _headline(values: Values, architectures: Sequence[str], draw: Resampling) -> Headline:
    """Trained on synthetic less trained on real, the mean over architectures."""
    scores = [_headline_score(values, architectures, name, draw) for name in (HEADLINE, "accuracy")]
    return Headline(HEADLINE, list(architectures), *scores)


def _headline_score(
    values: Values, architectures: Sequence[str], name: str, draw: Resampling
) -> HeadlineScore:
    synthetic, real = (
        np.mean([values[arm, architecture][name] for architecture in architectures], axis=0)
        for arm in (SYNTHETIC, REAL)
    )
    return HeadlineScore(
        draw.estimate(synthetic - real, bounds=None), draw.estimate(synthetic), draw.estimate(real)
    )


def _arm(fit: Fitted, values: Mapping[str, Floats], test: HeldOut, draw: Resampling) -> ArmScores:
    ones, classes = draw.counts[:1], len(test.classes)
    table = confusion(test.truth, fit.together.argmax(axis=1), ones, classes)[0]
    by_class = [
        scores_by_class(test.truth, probabilities, draw.counts) for probabilities in fit.probabilities
    ]
    return ArmScores(
        fit.arm,
        fit.architecture,
        fit.real,
        fit.synthetic,
        scores={
            name: draw.estimate(values[name], bounds=OTHER_BOUNDS.get(name, (0.0, 1.0))) for name in SCORES
        },
        by_class={
            label: {
                name: draw.estimate(np.stack([of_seed[name][:, number] for of_seed in by_class]))
                for name in by_class[0]
            }
            for number, label in enumerate(test.classes)
        },
        confusion=table.astype(int).tolist(),
        reliability=reliability(test.truth, fit.together),
        budget=fit.budget,
    )


def _gap(fit: Fitted, fitted: Sequence[Fitted], values: Values, test: HeldOut, draw: Resampling) -> Gap:
    """An arm against “real only” of the same architecture, on the same resamples."""
    [real] = [other for other in fitted if other.key == (REAL, fit.architecture)]
    numbers = range(len(test.classes)) if len(test.classes) > 2 else [1]
    return Gap(
        fit.arm,
        fit.architecture,
        scores={
            name: draw.estimate(values[fit.key][name] - values[real.key][name], bounds=None)
            for name in SCORES
        },
        mcnemar=mcnemar(test.truth, fit.together, real.together),
        delong={
            test.classes[number]: delong(
                test.truth == number, fit.together[:, number], real.together[:, number]
            )
            for number in numbers
        },
    )


def _curve(fitted: Sequence[Fitted], values: Values, draw: Resampling) -> list[CurvePoint]:
    """Synthetic-only arms by how many images they had."""
    points = [
        CurvePoint(
            **vars(draw.estimate(values[fit.key][HEADLINE])),
            architecture=fit.architecture,
            synthetic=fit.synthetic,
        )
        for fit in fitted
        if not fit.real
    ]
    return sorted(points, key=lambda point: (point.architecture, point.synthetic))


def _not_concluded(draw: Resampling, seeds: int, images: int, *, has_subgroups: bool) -> list[str]:
    """What these numbers do not say."""
    sentences = [
        "That the generator is good or bad as such: the same images may serve one task and not another.",
        OTHER_PLACES,
        "That a gap whose interval holds 0 is no gap: the test split may be too small to see it.",
        "Which of several arms is best by its p value: the p values are not adjusted for their number.",
    ]
    if has_subgroups:
        sentences.append(
            "That the network makes a gap between subgroups: best and worst were chosen by looking, so groups that are "
            "alike show a gap too, the larger the more groups there are; and groups differ in more than their name."
        )
    if images > draw.patients:
        sentences.append(
            "More from McNemar and DeLong than from the intervals: those two take images as independent, but "
            "some patients have several; the intervals draw whole patients."
        )
    if draw.patients < FEW_PATIENTS:
        sentences.append(f"Small differences: {draw.patients} test patients give wide intervals.")
    if seeds < FEW_SEEDS:
        sentences.append("How much the result depends on the training seed: that needs at least three seeds.")
    return sentences


def in_words(score: SeededEstimate) -> str:
    """“0.830 (0.760 to 0.890)”, or a dash where it is undefined."""
    if score.estimate is None:
        return "–"
    words = f"{score.estimate:.3f}"
    return f"{words} ({score.ci[0]:.3f} to {score.ci[1]:.3f})" if score.ci else words
