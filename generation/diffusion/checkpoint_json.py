"""What a checkpoint's config.json says, as the types of its parts; no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

FORMAT = "lungrater-diffusion-1"


class AutoencoderJSON(TypedDict):
    """How to decode latents, beside the weights: diffusers' config, and how they were scaled."""

    config: dict[str, object]
    mean: float
    deviation: float


class CheckpointFacts(TypedDict, total=False):
    """What is known of a checkpoint beside its config and its step.

    The texts stand in those that were published or exported, as they came from elsewhere.
    """

    name: str
    turn: int
    metrics: Mapping[str, Any]  # by whoever watched the run
    autoencoder: AutoencoderJSON
    modality: str
    trained_on: str
    licence: str
    citation: str
    intended_use: str
    parent: str
    ema_length: float
    ema_error: float
    text_encoder: str
    text_encoder_sha256: str


class CheckpointJSON(TypedDict):
    """The config.json of a checkpoint of ours, and its column."""

    format: str
    step: int
    config: Mapping[str, object]
    facts: NotRequired[CheckpointFacts]
