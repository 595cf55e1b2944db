"""The room's tables: checkpoints and the runs that make them, jobs and the pictures they make."""

from generation.models.jobs import GeneratedImage, GenerationJob
from generation.models.training import Checkpoint, TrainingRun

__all__ = ["Checkpoint", "GeneratedImage", "GenerationJob", "TrainingRun"]
