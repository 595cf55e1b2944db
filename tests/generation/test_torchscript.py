"""A TorchScript file is a program: what it reads, prints or does not end reaches nobody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from generation.classifiers.networks import WeightsError, build, load_weights
from generation.metrics.extractors import extractor
from generation.metrics.feature_extractor import ExtractorError
from generation.torchscript import scripted_model
from generation.torchscript.scripted_model import ScriptedModel, ScriptError
from lungrater.machines.model_folder import NotAModelError, looker_of
from pool.confinement.wall import has_wall
from tests.factories import make_pixels

needs_wall = pytest.mark.skipif(not has_wall(), reason="this system has no seccomp filters")
CANARY = b"canary of the secret key"


class ThiefInForward(nn.Module):
    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def forward(self, images: Tensor) -> Tensor:
        return torch.from_file(self.path, False, 24, dtype=torch.uint8)[None]


class ThiefAtLoad(nn.Module):
    """Runs as soon as the file is loaded, and hands the file out among its weights."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self.register_buffer("secret", torch.zeros(24, dtype=torch.uint8))

    @torch.jit.export
    def __getstate__(self) -> tuple[str, bool]:
        return self.path, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[str, bool]) -> None:
        self.path, self.training = state
        self.secret = torch.from_file(self.path, False, 24, dtype=torch.uint8)

    def forward(self, images: Tensor) -> Tensor:
        return self.secret[None]


class Endless(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        while bool(images.sum() > -1):
            images = images + 1
        return images


class Talkative(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        print("an answer that is none")
        return images.mean(dim=(1, 2, 3))


def saved(folder: Path, network: nn.Module, name: str = "model.pt") -> Path:
    script: Any = torch.jit.script(network)
    script.save(str(folder / name))
    return folder / name


@pytest.fixture
def secret(tmp_path: Path) -> str:
    path = tmp_path / "secret-key"
    path.write_bytes(CANARY)
    return str(path)


@needs_wall
@pytest.mark.parametrize("thief", [ThiefInForward, ThiefAtLoad])
def test_a_network_that_reads_the_secret_key_here_cannot_read_it_behind_the_wall(
    thief: type[nn.Module], secret: str, tmp_path: Path
) -> None:
    path = saved(tmp_path, thief(secret))
    bare: Any = torch.jit.load(path)

    read_here = bytes(bare(torch.zeros(1, 1, 8, 8))[0].tolist())

    assert read_here == CANARY
    with pytest.raises(ScriptError, match="Operation not permitted"):
        ScriptedModel(path).run(np.zeros((1, 1, 8, 8), np.float32))


@needs_wall
def test_neither_rater_nor_extractor_nor_weights_open_a_file(secret: str, tmp_path: Path) -> None:
    path = saved(tmp_path, ThiefAtLoad(secret))
    (tmp_path / "machine.json").write_text(json.dumps({"side": 16}))

    with pytest.raises(NotAModelError, match="Operation not permitted"):
        looker_of(tmp_path)
    with pytest.raises(ExtractorError, match="Operation not permitted"):
        extractor(str(path)).features([make_pixels()])
    with pytest.raises(WeightsError, match="Operation not permitted"):
        load_weights(build("tiny-resnet", channels=1, classes=2, size=32), path)


def test_where_there_is_no_wall_torchscript_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scripted_model, "has_wall", lambda: False)

    with pytest.raises(ScriptError, match="cannot shut a program in"):
        ScriptedModel(saved(tmp_path, Talkative()))


@needs_wall
def test_a_network_that_never_ends_is_ended(tmp_path: Path) -> None:
    model = ScriptedModel(saved(tmp_path, Endless()), seconds=1)

    with pytest.raises(ScriptError, match="no answer within 1 seconds"):
        model.run(np.zeros((1, 1, 8, 8), np.float32))
    with pytest.raises(ScriptError, match="was stopped"):
        model.run(np.zeros((1, 1, 8, 8), np.float32))


@needs_wall
def test_what_a_network_prints_does_not_come_between_its_answers(tmp_path: Path) -> None:
    model = ScriptedModel(saved(tmp_path, Talkative()))
    values = np.random.default_rng(0).random((3, 1, 8, 8), dtype=np.float32)

    answers = [model.run(values) for _ in range(3)]

    assert all(answer == pytest.approx(values.mean(axis=(1, 2, 3)), abs=1e-6) for answer in answers)


@needs_wall
@pytest.mark.parametrize("architecture", ["densenet121", "resnet18", "efficientnet-b0"])
def test_real_networks_give_behind_the_wall_what_they_give_here(architecture: str, tmp_path: Path) -> None:
    network = build(architecture, channels=1, classes=2, size=64).eval()
    values = np.random.default_rng(0).random((2, 1, 64, 64), dtype=np.float32)
    traced: Any = torch.jit.trace(network, torch.from_numpy(values))
    traced.save(str(tmp_path / "model.pt"))
    with torch.inference_mode():
        here = network(torch.from_numpy(values)).numpy()

    model = ScriptedModel(tmp_path / "model.pt")

    assert model.run(values) == pytest.approx(here, abs=1e-5)
    weights = model.weights()
    assert all(np.array_equal(weights[name], value.numpy()) for name, value in network.state_dict().items())
