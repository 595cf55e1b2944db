"""A run's checkpoints as its page shows them: distances, samples, and what to say of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from generation.metrics.checkpoint_metrics import (
    CheckpointMetrics,
    Distances,
    ExtractorDistances,
    distance_titles,
)
from generation.metrics.fidelity_by_step import Point, points, suggestion
from generation.training.loss_figure import LossCurve
from generation.training.model_card import extractors_sentence
from generation.training.models import Checkpoint, TrainingRun
from jobs.how_long.estimate import in_words


@dataclass(frozen=True)
class Row:
    """One checkpoint and its distances in words, Fréchet and kernel of each extractor in turn."""

    checkpoint: Checkpoint
    distances: list[str]
    copies: int | None
    fd_title: str

    @property
    def fid(self) -> str:
        return self.distances[0]

    @classmethod
    def of(cls, checkpoint: Checkpoint, extractors: Sequence[str] = ()) -> Self:
        """By the extractors of these names, else its own; a dash for one that did not measure it."""
        metrics = checkpoint.measured
        measured = [metrics.by(name) for name in extractors] or list(metrics.by_extractor)
        distances = [row.distances if row else Distances() for row in measured]
        return cls(
            checkpoint,
            [words for row in distances for words in (row.in_words("fid", 2), row.in_words("kid", 3))],
            metrics.scan.copies if metrics.scan else None,
            distance_titles(metrics.extractor)[0],
        )


@dataclass(frozen=True)
class Curve:
    """The distances by step, of one extractor, whose newest `measured` also has those of real images."""

    measured: ExtractorDistances
    points: list[Point]

    @property
    def titles(self) -> tuple[str, str]:
        return self.measured.titles


@dataclass(frozen=True)
class Course:
    """Everything measured of a run so far, newest checkpoint first."""

    rows: list[Row]
    curves: list[Curve]  # of each extractor that measured the newest, the site's first
    metrics: CheckpointMetrics  # the newest that were measured
    best: str

    @classmethod
    def of(cls, run: TrainingRun) -> Course:
        checkpoints = list(run.checkpoints.order_by("-step", "ema_length"))
        unmeasured = CheckpointMetrics.from_json({})
        newest = next((row.measured for row in checkpoints if row.metrics), unmeasured)
        names = [measured.name for measured in newest.by_extractor]
        rows = [Row.of(checkpoint, names) for checkpoint in checkpoints]
        return cls(rows, list(_curves(checkpoints, newest)), newest, best_in_words(run))

    @property
    def points(self) -> list[Point]:
        """Those of the site's extractor."""
        return self.curves[0].points if self.curves else []

    def as_context(self) -> dict[str, object]:
        metrics = self.metrics
        return {
            "checkpoints": [row.checkpoint for row in self.rows],
            "rows": self.rows,
            "is_measured": bool(self.points),
            "curves": self.curves,
            "best": self.best,
            "newest_step": self.points[-1].step if self.points else 0,
            "suggestion": suggestion(self.points),
            "titles": [title for measured in metrics.by_extractor for title in measured.titles],
            "extractor": _extractors(metrics),
            "n_real": metrics.distances.n_real,
            "n_fake": metrics.distances.n_fake,
            "with_copies": [row.checkpoint for row in self.rows if row.copies],
        }


def _curves(checkpoints: Sequence[Checkpoint], newest: CheckpointMetrics) -> Iterator[Curve]:
    in_training = [row for row in checkpoints if not row.ema_length]
    for measured in newest.by_extractor:
        rows = [(row.step, row.measured.by(measured.name)) for row in in_training]
        course = points((step, row.distances) for step, row in rows if row is not None)
        if course:
            yield Curve(measured, course)


def _extractors(metrics: CheckpointMetrics) -> str:
    networks = [measured.extractor for measured in metrics.by_extractor if measured.extractor is not None]
    return extractors_sentence(networks) if networks else ""


def best_in_words(run: TrainingRun) -> str:
    """Which checkpoint is the best so far, and by what; "" for a run that keeps none."""
    best = run.chosen_checkpoint
    if not run.chosen_by or best is None:
        return ""
    return f"Best so far, by the lowest {run.chosen_by.removeprefix('the ')}: step {best.step:,}."


def loss_curve(run: TrainingRun) -> LossCurve | None:
    """The loss by step with that on held-out images at the checkpoints."""
    measured = ((row.step, row.measured.validation_loss) for row in run.checkpoints.in_training())
    return LossCurve.of(run.curve, [(step, loss) for step, loss in measured if loss is not None])


def time_left(run: TrainingRun) -> str:
    """How long a running run has to go at its pace, in words; "" where there is no pace."""
    if run.state != TrainingRun.State.RUNNING or not run.images_per_second:
        return ""
    seconds = (run.total - run.done) * run.config.get("batch", 1) / run.images_per_second
    return in_words(seconds)
