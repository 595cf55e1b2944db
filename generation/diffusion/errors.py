"""What can go wrong in training, in words for people; no torch, so that any process may catch it."""

from __future__ import annotations

from generation.diffusion.config import ConfigError


class CheckpointError(Exception):
    """A checkpoint that cannot be used; the message says which and why."""


class SamplingError(Exception):
    """No image can be sampled as asked; the message says what to do."""


class PipelineError(SamplingError):
    """A pipeline's folder or LoRA that cannot be used; the message says which and why."""


class TrainingFailedError(Exception):
    """Training cannot go on; the message says what to change."""


class TrainingStoppedError(Exception):
    """Raised by whoever watches a run to stop it; what it has learned is kept."""


def sentence_of(error: BaseException) -> str | None:
    """What to tell a person about an error of training; None for one that nobody expects."""
    if isinstance(error, (ConfigError, CheckpointError, TrainingFailedError)):
        return str(error)
    if isinstance(error, OSError):
        return f"A checkpoint could not be stored ({error.strerror or error})."
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "memory" in str(error)):
        return "Training needs more memory than there is; choose a smaller batch or size."
    return None
