"""The child's end of `generation.torchscript.scripted_model`: shuts itself in, then loads and runs what comes in."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pool.confinement.limits import limit
from pool.confinement.messages import Head, only_answers, receive, send
from pool.confinement.wall import NoWallError, shut_in

MEMORY_BESIDE_LIBRARIES = 8 * 2**30
MOST_BYTES = 2 * 2**30
SECONDS = 300  # for a child whose parent was killed; a living parent is quicker

Array = np.ndarray[Any, Any]
Answer = tuple[Mapping[str, object], bytes]


class ScriptChild:
    """One network, from its bytes on."""

    def __init__(self) -> None:
        self.network: Any = None

    def answer(self, head: Head, body: bytes) -> Answer:
        steps: dict[str, Callable[[Head, bytes], Answer]] = {
            "load": self.load,
            "run": self.run,
            "weights": self.weights,
            "pickled weights": self.pickled_weights,
        }
        try:
            return steps[str(head["do"])](head, body)
        except MemoryError:
            return {"refused": "needs more memory than it may take"}, b""
        except Exception as error:  # a foreign program raises whatever it likes
            lines = str(error).strip().splitlines() or [type(error).__name__]
            return {"refused": lines[-1][:1000]}, b""

    def load(self, head: Head, body: bytes) -> Answer:
        self.network = torch.jit.load(io.BytesIO(body), map_location="cpu").eval()  # type: ignore[no-untyped-call]  # torch ships no type for it
        for name in filter(None, str(head.get("module", "")).split(".")):
            self.network = getattr(self.network, name)
        return {"arguments": [argument.name for argument in self.network.forward.schema.arguments]}, b""

    def run(self, head: Head, body: bytes) -> Answer:
        about = head["array"]
        values = np.frombuffer(bytearray(body), dtype=about["dtype"]).reshape(about["shape"])
        with torch.inference_mode():
            output = self.network(torch.from_numpy(values), **head["options"])
        if not isinstance(output, torch.Tensor):
            return {"refused": "does not give a tensor"}, b""
        array = _array(output)
        return {"array": _described(array)}, array.tobytes()

    def weights(self, head: Head, body: bytes) -> Answer:
        return _named(self.network.state_dict())

    def pickled_weights(self, head: Head, body: bytes) -> Answer:
        """Tensors by name, alone or under `state_dict`; whatever else a pickle holds is refused by torch itself."""
        try:
            values = torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)
        except pickle.UnpicklingError:
            return {
                "refused": "holds more than weights: save its `state_dict()` in a file of its own, or as safetensors"
            }, b""
        if isinstance(values, dict) and isinstance(values.get("state_dict"), dict):
            values = values["state_dict"]
        tensors = {
            str(name): value
            for name, value in (values.items() if isinstance(values, dict) else ())
            if isinstance(value, torch.Tensor)
        }
        return _named(tensors) if tensors else ({"refused": "holds no weights by name"}, b"")


def main() -> None:
    answers = only_answers()
    warm_up()
    limit(_memory_of_libraries() + MEMORY_BESIDE_LIBRARIES)
    try:
        shut_in()
    except NoWallError as error:
        send(answers, {"refused": f"is a program that cannot be shut in here: {error}"})
        return
    send(answers, {"ready": True})
    child = ScriptChild()
    while True:
        try:
            head, body = receive(sys.stdin.buffer, most=MOST_BYTES)
        except EOFError:
            return
        signal.alarm(SECONDS)
        reply, data = child.answer(head, body)
        signal.alarm(0)
        send(answers, reply, data)


def warm_up() -> None:
    """Use what torch reads from the disk only when it is used first: behind the wall it could not."""

    class Small(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = torch.nn.Sequential(
                torch.nn.Conv2d(1, 4, 3),
                torch.nn.BatchNorm2d(4),
                torch.nn.ReLU(),
                torch.nn.AdaptiveAvgPool2d(4),
            )
            self.last = torch.nn.Linear(64, 8)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = torch.nn.functional.interpolate(x, size=[16, 16], mode="bilinear", align_corners=False)
            return torch.softmax(self.last(self.layers(x).flatten(1)), dim=1)

    file = io.BytesIO()
    torch.jit.save(torch.jit.script(Small().eval()), file)
    network = torch.jit.load(io.BytesIO(file.getvalue()), map_location="cpu")  # type: ignore[no-untyped-call]  # as above
    with torch.inference_mode():
        for _ in range(3):  # the executor rewrites a network when it has run
            network(torch.rand(2, 1, 24, 24))
        torch.fft.rfft2(torch.rand(8, 8))
        torch.linalg.svd(torch.rand(4, 4))
        torch.rand(64, 64) @ torch.rand(64, 64)
    weights = io.BytesIO()
    torch.save({"weight": torch.zeros(2)}, weights)
    torch.load(io.BytesIO(weights.getvalue()), weights_only=True)
    with contextlib.suppress(RuntimeError):  # what is no archive is told by another path
        torch.jit.load(io.BytesIO(b"nothing"))  # type: ignore[no-untyped-call]  # as above


def _memory_of_libraries() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def _named(tensors: Mapping[str, torch.Tensor]) -> Answer:
    arrays = {name: _array(value) for name, value in tensors.items()}
    entries = [_described(array) for array in arrays.values()]
    return {"names": list(arrays), "arrays": entries}, b"".join(a.tobytes() for a in arrays.values())


def _described(array: Array) -> dict[str, object]:
    return {"dtype": array.dtype.name, "shape": list(array.shape)}


def _array(tensor: torch.Tensor) -> Array:
    """The tensor as whole numbers or as floats that numpy knows."""
    dense = tensor.detach().cpu().contiguous()
    if dense.dtype in (torch.float64, torch.float32, torch.uint8, torch.int64):
        return np.asarray(dense.numpy())
    return np.asarray((dense.float() if dense.is_floating_point() else dense.long()).numpy())


if __name__ == "__main__":
    main()
