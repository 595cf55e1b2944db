"""What can go wrong in training, in words for people; no torch, so that any process may catch it."""

from __future__ import annotations


class TrainingFailedError(Exception):
    """Training cannot go on; the message says what to change."""


class TrainingStopped(Exception):
    """Raised by whoever watches a run to stop it; what it has learned is kept."""
