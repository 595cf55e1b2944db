"""The report of an experiment as typed numbers: what page, figures, command and JSON read."""

from __future__ import annotations

from dataclasses import dataclass, field

from generation.classifiers.comparisons import ClassifierMcNemar, DeLong
from generation.classifiers.resampling import SeededEstimate
from generation.classifiers.scores import ConfidenceBin

Scores = dict[str, SeededEstimate]


@dataclass(frozen=True, slots=True)
class HeadlineScore:
    """One score, the mean over architectures: trained on synthetic, on real, and the first less the second."""

    mean: SeededEstimate
    synthetic: SeededEstimate
    real: SeededEstimate


@dataclass(frozen=True, slots=True)
class Headline:
    """The gap between training on synthetic and on real images; `score` names the one that is quoted."""

    score: str
    architectures: list[str]
    balanced_accuracy: HeadlineScore
    accuracy: HeadlineScore


@dataclass(frozen=True, slots=True)
class TrainedFor:
    """Optimiser steps on its images, those on synthetic images alone before, and how many images each step drew."""

    steps: int
    steps_before: int
    batch: int

    @property
    def images_seen(self) -> int:
        """Images drawn in all steps; an image is drawn again and again."""
        return (self.steps + self.steps_before) * self.batch


@dataclass(frozen=True, slots=True)
class ArmScores:
    """One arm of one architecture: how many images it was trained on, and how it did on the test images."""

    arm: str
    architecture: str
    real: int
    synthetic: int
    scores: Scores
    by_class: dict[str, Scores]
    confusion: list[list[int]]  # the truth in rows
    reliability: list[ConfidenceBin]
    budget: TrainedFor | None = None  # None in a report from before this was noted


@dataclass(frozen=True, slots=True)
class Gap:
    """An arm less “real only” of the same architecture."""

    arm: str
    architecture: str
    scores: Scores
    mcnemar: ClassifierMcNemar
    delong: dict[str, DeLong]


@dataclass(frozen=True, kw_only=True)
class CurvePoint(SeededEstimate):
    """The headline's score by how many synthetic images there were."""

    architecture: str
    synthetic: int


@dataclass(frozen=True, slots=True)
class ExplanationOverlap:
    """How far the maps of the networks trained on synthetic and on real images agree, the mean over images."""

    architecture: str
    method: str
    images: int
    iou: float | None
    spearman: float | None


@dataclass(frozen=True, slots=True)
class Subgroup:
    """Test images that share a value of an attribute, and the mean AUC over the findings on them."""

    group: str
    images: int
    patients: int
    auc: SeededEstimate


@dataclass(frozen=True, slots=True)
class SmallGroup:
    """A group that no number is given of: it has too few images of one finding."""

    group: str
    images: int
    finding: str
    of_finding: int


@dataclass(frozen=True, slots=True)
class SubgroupGap:
    """One arm by the values of one attribute; `gap` is the AUC of the best group less that of the worst."""

    arm: str
    architecture: str
    attribute: str
    groups: list[Subgroup]
    best: str
    worst: str
    gap: SeededEstimate
    too_small: list[SmallGroup]
    unknown: int  # test images without a value


@dataclass(frozen=True, slots=True)
class Fall:
    """One arm of one architecture: each score on the test split less that on the external test set."""

    arm: str
    architecture: str
    scores: Scores


@dataclass(frozen=True)
class ExternalTest:
    """The same classifiers on real images of elsewhere that nothing was trained on, by the same numbers."""

    dataset: str
    images: dict[str, int]  # by finding
    test_images: int
    test_patients: int
    headline: Headline
    arms: list[ArmScores]
    gaps: list[Gap]
    falls: list[Fall]
    subgroups: list[SubgroupGap] = field(default_factory=list)


@dataclass(frozen=True)
class UtilityResults:
    """All of it; `images` are counts by side and finding, `models` the folders of the first seeds."""

    classes: list[str]
    seeds: int
    resamples: int
    test_images: int
    test_patients: int
    headline: Headline
    arms: list[ArmScores]
    gaps: list[Gap]
    curve: list[CurvePoint]
    notes: list[str]
    not_concluded: list[str]
    images: dict[str, dict[str, int]] = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)
    explanations: list[ExplanationOverlap] = field(default_factory=list)
    subgroups: list[SubgroupGap] = field(default_factory=list)
    external: ExternalTest | None = None

    @property
    def quoted(self) -> HeadlineScore:
        """The score that the headline is about."""
        return self.headline.balanced_accuracy
