"""Safetensors files without torch and without the library, which a web host does not have: names, types, bytes.

The format is eight bytes of length, a JSON header of that length, and the tensors' bytes one after another
(https://huggingface.co/docs/safetensors). Nothing of it is ever run.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST_HEADER = 100_000_000  # as the library has it


class TensorFileError(ValueError):
    """These bytes are no safetensors file."""


@dataclass(frozen=True)
class StoredTensor:
    dtype: str  # as the format names it, such as F32
    shape: tuple[int, ...]
    data: bytes


def tensors_in(content: bytes) -> dict[str, StoredTensor]:
    """Every tensor by its name. Raises TensorFileError."""
    try:
        [length] = struct.unpack("<Q", content[:8])
        if length > min(MOST_HEADER, len(content) - 8):
            raise TensorFileError("its header is longer than the file.")
        header: dict[str, Any] = json.loads(content[8 : 8 + length])
        header.pop("__metadata__", None)
        body = memoryview(content)[8 + length :]
        return {name: _stored(row, body) for name, row in header.items()}
    except TensorFileError:
        raise
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TensorFileError(f"its header is damaged ({error}).") from error


def _stored(row: Mapping[str, Any], body: memoryview) -> StoredTensor:
    start, end = row["data_offsets"]
    if not 0 <= start <= end <= len(body):
        raise TensorFileError("a tensor lies beyond its end.")
    return StoredTensor(str(row["dtype"]), tuple(int(side) for side in row["shape"]), bytes(body[start:end]))


def tensor_file(tensors: Mapping[str, StoredTensor]) -> bytes:
    """The file that holds these tensors, in the order of their names."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    place, parts = 0, []
    for name, tensor in sorted(tensors.items()):
        end = place + len(tensor.data)
        header[name] = {"dtype": tensor.dtype, "shape": list(tensor.shape), "data_offsets": [place, end]}
        parts.append(tensor.data)
        place = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([struct.pack("<Q", len(text)), text, *parts])
