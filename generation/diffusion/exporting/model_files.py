"""What every folder of a model shares, whoever wrote it: names, texts that are not too long, tensors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from generation.diffusion.checkpoint_json import CheckpointJSON
from generation.diffusion.errors import CheckpointError
from generation.diffusion.exporting.tensor_file import StoredTensor, TensorFileError, tensors_of

INDEX, WEIGHTS = "model_index.json", "diffusion_pytorch_model.safetensors"
MOST_DESCRIPTION = 1_000_000  # bytes


@dataclass(frozen=True)
class ImportedModel:
    """A checkpoint as it is stored: its description, and its weights as the pieces of one safetensors file."""

    description: CheckpointJSON
    weights: Iterator[bytes]


def text_of(file: IO[bytes]) -> bytes:
    text = file.read(MOST_DESCRIPTION + 1)
    if len(text) > MOST_DESCRIPTION:
        raise CheckpointError("The pipeline's description is larger than 1 MB.")
    return text


def tensors_read(file: IO[bytes]) -> dict[str, StoredTensor]:
    try:
        return tensors_of(file)
    except TensorFileError as error:
        raise CheckpointError(f"The weights cannot be read: {error}") from error
