"""A TorchScript file as a function from arrays to an array, run behind a wall.

A TorchScript file is a program, and its operators read files: the published ones are trusted by nobody here. Its bytes
go to a child that shuts itself in before it looks at them; arrays come back as raw bytes. Where this system has no
wall, the file is refused.
"""

from __future__ import annotations

import math
import os
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pool.canonical.texts import line
from pool.confinement.child import Child, ChildEndedError
from pool.confinement.messages import Head
from pool.confinement.wall import has_wall

CHILD = "generation.torchscript.script_child"
SECONDS_TO_LOAD, SECONDS_PER_RUN = 120.0, 120.0
MOST_MODEL_BYTES = 2 * 2**30
MOST_ANSWER_BYTES = 2 * 2**30
MOST_THREADS = 8
LONGEST_REASON = 300
DTYPES = {"uint8", "int64", "float32", "float64"}


class ScriptError(Exception):
    """The file is no TorchScript that can be run here; the message says why, as the end of a sentence."""


class ScriptedModel:
    """A TorchScript file's network, loaded in a child of its own; the child ends with this object."""

    def __init__(self, path: Path, *, seconds: float = SECONDS_PER_RUN, module: str = "") -> None:
        """`module` is the part of the network that is run, by its dotted name; empty: all of it. Raises ScriptError."""
        body = _checked_bytes(path)
        self.seconds = seconds
        self._child = _child()
        weakref.finalize(self, self._child.close, at_once=True)
        head, _ = self._ask({"do": "load", "module": module}, body, SECONDS_TO_LOAD)
        self.arguments = [str(name) for name in head.get("arguments", [])]

    def run(self, values: NDArray[np.generic], **options: bool) -> NDArray[np.generic]:
        """What the network gives for an array. Raises ScriptError."""
        if not self._child.is_running:
            raise ScriptError("was stopped")
        request = {"do": "run", "array": _described(values), "options": options}
        head, body = self._ask(request, np.ascontiguousarray(values).tobytes(), self.seconds)
        return _arrays([head.get("array")], body)[0]

    def weights(self) -> dict[str, NDArray[np.generic]]:
        """The network's tensors by name. Raises ScriptError."""
        return _by_name(*self._ask({"do": "weights"}, b"", self.seconds))

    def close(self) -> None:
        self._child.close(at_once=True)

    def _ask(self, head: Mapping[str, object], body: bytes, seconds: float) -> tuple[Head, bytes]:
        return _answer(self._child, head, body, seconds)


def pickled_weights(path: Path) -> dict[str, NDArray[np.generic]]:
    """The tensors by name of a file that `torch.save` wrote: a pickle is a program too, and is read behind the wall.

    Raises ScriptError.
    """
    body = _checked_bytes(path)
    child = _child()
    try:
        return _by_name(*_answer(child, {"do": "pickled weights"}, body, SECONDS_TO_LOAD))
    finally:
        child.close(at_once=True)


def _checked_bytes(path: Path) -> bytes:
    """Raises ScriptError where nothing is to be run here."""
    if not has_wall():
        raise ScriptError(
            "is a program, and this system cannot shut a program in (that takes Linux with seccomp filters): "
            "give the weights as safetensors, or run this on such a system"
        )
    if path.stat().st_size > MOST_MODEL_BYTES:
        raise ScriptError(f"is larger than {MOST_MODEL_BYTES // 2**30} GB")
    return path.read_bytes()


def _child() -> Child:
    threads = min(MOST_THREADS, os.cpu_count() or 1)
    return Child(CHILD, most_answer_bytes=MOST_ANSWER_BYTES, threads=threads)


def _answer(child: Child, head: Mapping[str, object], body: bytes, seconds: float) -> tuple[Head, bytes]:
    try:
        answer, values = child.request(head, body, seconds=seconds)
    except ChildEndedError as error:
        if error.is_late:
            raise ScriptError(f"gave no answer within {seconds:g} seconds") from error
        raise ScriptError(
            error.reason or "stopped the process that it was run in: it is damaged, hostile or too large"
        ) from error
    if "refused" in answer:
        raise ScriptError(line(str(answer["refused"]), most=LONGEST_REASON))
    return answer, values


def _by_name(head: Head, body: bytes) -> dict[str, NDArray[np.generic]]:
    names = [str(name) for name in head.get("names", [])]
    return dict(zip(names, _arrays(head.get("arrays", []), body), strict=True))


def _described(values: NDArray[np.generic]) -> dict[str, object]:
    return {"dtype": values.dtype.name, "shape": list(values.shape)}


def _arrays(entries: Any, body: bytes) -> list[NDArray[np.generic]]:
    """The arrays of an answer, if it is one. Raises ScriptError."""
    arrays, place = [], 0
    try:
        for entry in entries:
            if entry["dtype"] not in DTYPES or any(int(side) < 0 for side in entry["shape"]):
                raise ValueError(entry)
            kind = np.dtype(entry["dtype"])
            size = math.prod(map(int, entry["shape"])) * kind.itemsize
            arrays.append(np.frombuffer(body[place : place + size], dtype=kind).reshape(entry["shape"]))
            place += size
        if place != len(body):
            raise ValueError("an answer longer than it says")
    except (KeyError, TypeError, ValueError) as error:
        raise ScriptError("gave an answer that makes no sense") from error
    return arrays
