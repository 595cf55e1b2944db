"""The room's tables: checkpoints and the runs that make them, jobs and the images they make."""

from generation.images.models import GenerationJob, JobEvent
from generation.images.outcomes import EarlierOutcome, GeneratedImage, KeyPace
from generation.quality.models import QualityReport
from generation.training.models import Checkpoint, CheckpointMembership, ToldOfImages, TrainingRun
from generation.utility.models import UtilityExperiment, UtilityExplanation, UtilityFit

__all__ = [
    "Checkpoint",
    "CheckpointMembership",
    "EarlierOutcome",
    "GeneratedImage",
    "GenerationJob",
    "JobEvent",
    "KeyPace",
    "QualityReport",
    "ToldOfImages",
    "TrainingRun",
    "UtilityExperiment",
    "UtilityExplanation",
    "UtilityFit",
]
