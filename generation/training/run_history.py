"""A run's checkpoints as its page shows them: distances, samples, and what to say of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from generation.metrics.checkpoint_metrics import CheckpointMetrics, distance_titles
from generation.metrics.fidelity_by_step import Point, points, suggestion
from generation.training.loss_figure import LossCurve
from generation.training.model_card import extractor_sentence
from generation.training.models import Checkpoint, TrainingRun


@dataclass(frozen=True)
class Row:
    """One checkpoint and its distances in words."""

    checkpoint: Checkpoint
    fid: str
    kid: str
    copies: int | None
    fd_title: str

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> Self:
        metrics = checkpoint.measured
        return cls(
            checkpoint,
            metrics.distances.in_words("fid", 2),
            metrics.distances.in_words("kid", 3),
            metrics.scan.copies if metrics.scan else None,
            distance_titles(metrics.extractor)[0],
        )


@dataclass(frozen=True)
class Course:
    """Everything measured of a run so far, newest checkpoint first."""

    rows: list[Row]
    points: list[Point]
    metrics: CheckpointMetrics  # the newest that were measured

    @classmethod
    def of(cls, run: TrainingRun) -> Course:
        checkpoints = list(run.checkpoints.order_by("-step"))
        unmeasured = CheckpointMetrics.from_json({})
        newest = next((row.measured for row in checkpoints if row.metrics), unmeasured)
        course = points((row.step, row.measured.distances) for row in checkpoints)
        rows = [Row.of(checkpoint) for checkpoint in checkpoints]
        return cls(rows, course, newest)

    def as_context(self) -> dict[str, object]:
        metrics = self.metrics
        return {
            "checkpoints": [row.checkpoint for row in self.rows],
            "rows": self.rows,
            "is_measured": bool(self.points),
            "newest_step": self.points[-1].step if self.points else 0,
            "suggestion": suggestion(self.points),
            "titles": distance_titles(metrics.extractor),
            "extractor": extractor_sentence(metrics.extractor) if metrics.extractor else "",
            "n_real": metrics.distances.n_real,
            "n_fake": metrics.distances.n_fake,
            "with_copies": [row.checkpoint for row in self.rows if row.copies],
        }


def loss_curve(run: TrainingRun) -> LossCurve | None:
    """The loss by step with that on held-out images at the checkpoints."""
    measured = ((row.step, row.measured.validation_loss) for row in run.checkpoints.order_by("step"))
    return LossCurve.of(run.curve, [(step, loss) for step, loss in measured if loss is not None])


def time_left(run: TrainingRun) -> str:
    """How long a running run has to go at its pace, in words; "" where there is no pace."""
    if run.state != TrainingRun.State.RUNNING or not run.images_per_second:
        return ""
    seconds = (run.total - run.done) * run.config.get("batch", 1) / run.images_per_second
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"
