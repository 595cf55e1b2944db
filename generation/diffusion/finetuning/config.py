"""What a fine-tuning is told; no torch, so that a form may check it."""

from __future__ import annotations

from dataclasses import dataclass

from generation.diffusion.run_config import RunConfig, check


@dataclass(frozen=True, kw_only=True)
class FineTuneConfig(RunConfig):
    """`rank` 0 trains the whole network of the pipeline, above it a LoRA of that rank."""

    pipeline: str
    prompt: str = "{modality}, {finding}"
    rank: int = 8
    prompt_dropout: float = 0.1
    size: int = 512
    steps: int = 1000
    batch: int = 4
    learning_rate: float = 1e-4
    warmup: int = 0
    checkpoint_every: int = 250
    keep_checkpoints: int = 2
    sample_count: int = 4

    def __post_init__(self) -> None:
        check(self.rank >= 0, "rank must be 0, for all of the network, or the rank of a LoRA")
        check(self.size >= 8 and self.size % 8 == 0, "size must be a multiple of 8")
        check(0 <= self.prompt_dropout < 1, "prompt_dropout must be from 0 to below 1")
        super().__post_init__()
