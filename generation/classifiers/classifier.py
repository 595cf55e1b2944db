"""A trained classifier as a folder (config.json and model.safetensors) and as a callable: images in, probabilities out."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from generation.classifiers.networks import build
from pool.canonical.pixels import Pixels, fitted_square

BATCH, BATCH_ON_CPU = 32, 8  # more at once fall out of its cache: a DenseNet121 takes twice as long
# ImageNet's mean and spread over its channels, which published weights expect.
MEAN, SPREAD = 0.449, 0.226


class ClassifierError(Exception):
    """This folder holds no classifier of ours; the message says why."""


@dataclass(frozen=True)
class Description:
    """What a classifier is: its network, what it is shown and what it tells apart; `facts` say where it came from."""

    architecture: str
    classes: tuple[str, ...]
    size: int
    colour: bool = False
    facts: dict[str, object] = field(default_factory=dict)


class Classifier:
    """A network that has learned, ready to be asked."""

    def __init__(self, description: Description, network: nn.Module) -> None:
        self.description = description
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network = network.to(self.device).eval()

    @property
    def classes(self) -> tuple[str, ...]:
        return self.description.classes

    def probabilities(self, images: Sequence[Pixels]) -> NDArray[np.float64]:
        """(n, classes), each row adding up to 1, of images of any size and depth in the order of `classes`."""
        description = self.description
        squares = [fitted_square(image, side=description.size, colour=description.colour) for image in images]
        return self.of_squares(np.stack(squares)) if squares else np.empty((0, len(self.classes)))

    def of_squares(self, squares: NDArray[np.uint8]) -> NDArray[np.float64]:
        """The same of images that already have the network's size: (n, size, size) or (n, size, size, 3)."""
        at_once = BATCH_ON_CPU if self.device.type == "cpu" else BATCH
        with torch.inference_mode(), threads_for(self.description):
            parts = [
                torch.softmax(
                    self.network(as_input(squares[start : start + at_once], self.device)).double(), dim=1
                )
                for start in range(0, len(squares), at_once)
            ]
        return np.asarray(torch.cat(parts).cpu().numpy(), dtype=np.float64)

    def save(self, folder: Path) -> None:
        """Write the folder; config.json comes last, so a folder that has one is whole."""
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        state = {name: value.contiguous().cpu() for name, value in self.network.state_dict().items()}
        save_file(state, folder / "model.safetensors")
        (folder / "config.json").write_text(json.dumps(asdict(self.description), indent=1))


def load(folder: Path) -> Classifier:
    """The classifier of a folder that `save` wrote. Raises ClassifierError."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        values = json.loads((folder / "config.json").read_text())
        description = Description(**{**values, "classes": tuple(values["classes"])})
        network = fresh(description)
        network.load_state_dict(load_file(folder / "model.safetensors"))
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as error:
        raise ClassifierError(f"The folder {folder.name} holds no classifier that can be used.") from error
    return Classifier(description, network)


def fresh(description: Description) -> nn.Module:
    """An untrained network for this description."""
    return build(
        description.architecture,
        channels=3 if description.colour else 1,
        classes=len(description.classes),
        size=description.size,
    )


@contextlib.contextmanager
def threads_for(description: Description) -> Iterator[None]:
    """One thread for a tiny network: several would mostly wait for each other, on a busy machine twenty times over."""
    before = torch.get_num_threads()
    torch.set_num_threads(1 if description.architecture.startswith("tiny-") else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def as_input(squares: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Images as a network sees them: (n, channels, size, size), standardised."""
    pixels = torch.from_numpy(np.ascontiguousarray(squares)).to(device)
    shaped = pixels.unsqueeze(1) if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2)
    return (shaped.float() / 255 - MEAN) / SPREAD
