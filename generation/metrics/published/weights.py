"""Weights by name from a published file: safetensors here, a pickle only behind the wall and with nothing but tensors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from generation.torchscript.scripted_model import ScriptError, pickled_weights

if TYPE_CHECKING:
    from torch import Tensor


class WeightsFileError(Exception):
    """The file holds no weights that can be read; the message is the end of a sentence."""


def weights_of(path: Path) -> dict[str, Tensor]:
    """Tensors by name. Raises WeightsFileError."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if path.suffix == ".safetensors":
        try:
            return load_file(path)
        except (SafetensorError, OSError, ValueError) as error:
            raise WeightsFileError("is no safetensors file that can be read") from error
    try:
        arrays = pickled_weights(path)
    except ScriptError as error:
        raise WeightsFileError(str(error)) from error
    return {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
