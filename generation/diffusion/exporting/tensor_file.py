"""Safetensors files without torch and without the library, which a web host does not have: names, types, bytes.

The format is eight bytes of length, a JSON header of that length, and the tensors' bytes one after another
(https://huggingface.co/docs/safetensors). Nothing of it is ever run, and tensors go from file to file in pieces.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any

MOST_HEADER = 100_000_000  # as the library has it
PIECE = 1 << 20  # bytes


class TensorFileError(ValueError):
    """These bytes are no safetensors file."""


@dataclass(frozen=True)
class StoredTensor:
    """A tensor where it lies in a file, which must be open for as long as its bytes are wanted."""

    dtype: str  # as the format names it, such as F32
    shape: tuple[int, ...]
    file: IO[bytes]
    start: int
    size: int  # in bytes

    def pieces(self) -> Iterator[bytes]:
        self.file.seek(self.start)
        for place in range(0, self.size, PIECE):
            yield self.file.read(min(PIECE, self.size - place))


def tensors_in(content: bytes) -> dict[str, StoredTensor]:
    """Every tensor of these bytes by its name. Raises TensorFileError."""
    return tensors_of(BytesIO(content))


def tensors_of(file: IO[bytes]) -> dict[str, StoredTensor]:
    """Every tensor of an open file by its name; only the header is read. Raises TensorFileError."""
    try:
        end = file.seek(0, os.SEEK_END)
        file.seek(0)
        [length] = struct.unpack("<Q", file.read(8))
        if length > min(MOST_HEADER, end - 8):
            raise TensorFileError("its header is longer than the file.")
        header: dict[str, Any] = json.loads(file.read(length))
        header.pop("__metadata__", None)
        return {name: _stored(row, file, 8 + length, end) for name, row in header.items()}
    except TensorFileError:
        raise
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TensorFileError(f"its header is damaged ({error}).") from error


def _stored(row: Mapping[str, Any], file: IO[bytes], body: int, end_of_file: int) -> StoredTensor:
    """The tensor of this row of the header; the tensors' bytes begin at `body`."""
    start, end = row["data_offsets"]
    if not 0 <= start <= end <= end_of_file - body:
        raise TensorFileError("a tensor lies beyond its end.")
    shape = tuple(int(side) for side in row["shape"])
    return StoredTensor(str(row["dtype"]), shape, file, body + start, end - start)


def tensor_file(tensors: Mapping[str, StoredTensor]) -> bytes:
    return b"".join(tensor_pieces(tensors))


def tensor_pieces(tensors: Mapping[str, StoredTensor]) -> Iterator[bytes]:
    """The file that holds these tensors, in the order of their names, a piece at a time."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    place, ordered = 0, sorted(tensors.items())
    for name, tensor in ordered:
        end = place + tensor.size
        header[name] = {"dtype": tensor.dtype, "shape": list(tensor.shape), "data_offsets": [place, end]}
        place = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    yield struct.pack("<Q", len(text)) + text
    for _name, tensor in ordered:
        yield from tensor.pieces()
