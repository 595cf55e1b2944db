"""The room's tables: checkpoints and the runs that make them, jobs and the pictures they make."""

from generation.models.jobs import GenerationJob, JobEvent
from generation.models.outcomes import EarlierOutcome, GeneratedImage, KeyPace, WorkerSeen
from generation.models.quality import QualityReport
from generation.models.training import Checkpoint, TrainingRun
from generation.models.utility import UtilityExperiment, UtilityExplanation, UtilityFit

__all__ = [
    "Checkpoint",
    "EarlierOutcome",
    "GeneratedImage",
    "GenerationJob",
    "JobEvent",
    "KeyPace",
    "QualityReport",
    "TrainingRun",
    "UtilityExperiment",
    "UtilityExplanation",
    "UtilityFit",
    "WorkerSeen",
]
