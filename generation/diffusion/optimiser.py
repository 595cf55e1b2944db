"""The state of AdamW by the names of the weights, out of a run and back into it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

MOMENTS = ("step", "exp_avg", "exp_avg_sq")


def optimiser_state(trained: Mapping[str, Tensor], optimiser: torch.optim.AdamW) -> dict[str, Tensor]:
    """What a checkpoint keeps of it; `trained` are its weights by name, in its order."""
    names = list(trained)
    return {
        f"optimiser.{names[index]}.{key}": value
        for index, values in optimiser.state_dict()["state"].items()
        for key, value in values.items()
    }


def restore_optimiser(
    trained: Mapping[str, Tensor], optimiser: torch.optim.AdamW, state: Mapping[str, Tensor]
) -> None:
    moments = {
        index: {key: _like(weight, state[f"optimiser.{name}.{key}"]) for key in MOMENTS}
        for index, (name, weight) in enumerate(trained.items())
        if f"optimiser.{name}.step" in state
    }
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": moments, "param_groups": groups})


def _like(weight: Tensor, value: Tensor) -> Tensor:
    """The value in the memory order of its weight; the fused optimiser walks both as they lie in memory."""
    if value.shape != weight.shape:  # the step count
        return value
    return torch.empty_like(weight, requires_grad=False).copy_(value)
