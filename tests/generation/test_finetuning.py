"""Fine-tuning a tiny Stable Diffusion of random weights: it learns, goes on unbroken, and its result is used."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from django.core.management import CommandError, call_command
from django.test import Client
from safetensors.torch import load_file

from generation import pipelines
from generation.engines import pipeline
from generation.engines.pipeline import PipelineEngine
from generation.engines.protocol import GenerationRequest, Picture
from generation.finetunings import prompt_of
from generation.models import TrainingRun
from generation.training.config import ConfigError
from generation.training.finetuning import FineTuneConfig, FineTuner, Lesson, finetune, load_pipeline
from lungrater.models import User
from tests.factories import make_dataset, make_image
from tests.generation.tiny_pipeline import save_tiny_pipeline


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_pipeline(tmp_path_factory.mktemp("home") / "pipelines" / "tiny")


@pytest.fixture
def home(folder: Path, tmp_path: Path, settings: Any) -> Path:
    """A models folder with the tiny pipeline in it."""
    settings.MODELS_DIR = tmp_path / "models"
    pipelines.folder().mkdir(parents=True)
    (pipelines.folder() / "tiny").symlink_to(folder)
    pipeline.warm.clear()
    return tmp_path / "models"


def lesson() -> Lesson:
    """Bright pictures and dark ones, each said to be so."""
    dice = np.random.default_rng(0)
    pixels = dice.integers(0, 40, (6, 16, 16, 3), dtype=np.uint8)
    pixels[::2] += 200
    return Lesson(pixels, ["bright", "dark"] * 3)


def tuner(folder: Path, **changes: Any) -> FineTuner:
    given = {"rank": 2, "size": 16, "steps": 4, "batch": 4, "checkpoint_every": 2, **changes}
    return FineTuner(FineTuneConfig("tiny", **given), load_pipeline(folder), lesson())


@pytest.mark.parametrize("rank", [4, 0], ids=["lora", "full"])
def test_the_loss_falls(rank: int, folder: Path, tmp_path: Path) -> None:
    learning = tuner(folder, rank=rank, steps=60, checkpoint_every=60, learning_rate=1e-2)

    def on_the_same_noise() -> float:
        with torch.no_grad():
            return float(np.mean([learning.loss(torch.Generator().manual_seed(n)).item() for n in range(12)]))

    before = on_the_same_noise()
    steps = [progress.step for progress in finetune(learning, tmp_path)]

    assert steps == list(range(1, 61))
    assert on_the_same_noise() < 0.97 * before


@pytest.mark.parametrize("rank", [2, 0], ids=["lora", "full"])
def test_a_resumed_run_ends_bit_for_bit_like_an_unbroken_one(rank: int, folder: Path, tmp_path: Path) -> None:
    for _ in finetune(tuner(folder, rank=rank), tmp_path / "unbroken"):
        pass
    for _ in itertools.islice(finetune(tuner(folder, rank=rank), tmp_path / "broken"), 3):
        pass  # killed at step 3, after the checkpoint of step 2
    for _ in finetune(tuner(folder, rank=rank), tmp_path / "broken"):
        pass

    for file in ("model.safetensors", "state.safetensors"):
        unbroken, resumed = (
            load_file(tmp_path / name / "step-00000004" / file) for name in ("unbroken", "broken")
        )
        assert unbroken.keys() == resumed.keys()
        assert all(torch.equal(unbroken[name], resumed[name]) for name in unbroken)


def test_a_lora_trains_little_and_leaves_the_pipeline_as_it_was(folder: Path) -> None:
    learning = tuner(folder)
    frozen = {name: weight.clone() for name, weight in learning.net.named_parameters() if "lora" not in name}

    learning.train_step()

    assert all("lora" in name for name in learning.trained)
    now = dict(learning.net.named_parameters())
    assert all(torch.equal(weight, now[name]) for name, weight in frozen.items())


@pytest.mark.parametrize(
    ("changes", "words"), [({"rank": -1}, "rank"), ({"size": 15}, "size"), ({"learning_rate": 0}, "learning")]
)
def test_settings_that_cannot_be_are_said_in_a_sentence(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        FineTuneConfig("tiny", **changes)


# --- As a training run -----------------------------------------------------------------------------------------
def picture(name: str, **settings: Any) -> Any:
    request = GenerationRequest("xray", prompt="chest", seed=1, settings={"steps": 2, **settings})
    [made] = PipelineEngine(pipelines.source(name, settings)).generate(request, [0])
    assert isinstance(made, Picture)
    return made.pixels


@pytest.mark.django_db
@pytest.mark.parametrize("rank", [2, 0], ids=["lora", "full"])
def test_the_command_leaves_what_the_pipeline_engine_finds_and_what_changes_its_pictures(
    rank: int, home: Path
) -> None:
    dataset = make_dataset()
    for _ in range(3):
        make_image(dataset=dataset)
    words = ("train", "--pipeline=tiny", f"--dataset={dataset.name}", "--name=Our chests", f"--lora={rank}")
    out = StringIO()
    before = picture("tiny")

    call_command(*words, "--steps=3", "--batch=2", "--size=16", "--prompt={modality} {finding}", stdout=out)

    run = TrainingRun.objects.get()
    assert (run.state, run.done) == ("succeeded", 3)
    assert "“our-chests” is ready" in run.message
    assert run.images.count() == 3
    if rank:
        assert pipelines.lora_names() == ["our-chests"]
        after = picture("tiny", lora="our-chests", lora_scale=50.0)
    else:
        assert pipelines.names() == ["our-chests", "tiny"]
        after = picture("our-chests")
    assert not np.array_equal(before, after)
    assert np.array_equal(before, picture("tiny"))
    with pytest.raises(CommandError, match="There is a model"):
        call_command(*words)


@pytest.mark.django_db
def test_a_prompt_says_each_images_own_finding() -> None:
    ill, well = make_image(label="effusion"), make_image(label="")

    assert prompt_of(ill, "chest {modality}, {finding}") == "chest X-ray, effusion"
    assert prompt_of(well, "chest {modality}, {finding}") == "chest X-ray"


@pytest.mark.django_db
def test_a_finetuning_is_queued_from_the_page_and_shown(
    home: Path, researcher: User, client_of: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pool.tasks.ring", lambda *_, **__: None)
    browser = client_of(researcher)
    wish = {
        "name": "Ours",
        "dataset": make_dataset().pk,
        "pipeline": "tiny",
        "prompt": "x {finding}",
        "rank": 2,
    }
    numbers = {"size": 16, "steps": 3, "batch": 2, "learning_rate": 1e-4, "seed": 0}

    answer = browser.post("/generation/training/fine-tune/", {**wish, **numbers})
    page = browser.get(answer["Location"]).content.decode()
    taken = browser.post("/generation/training/fine-tune/", {**wish, **numbers})

    run = TrainingRun.objects.get()
    assert (run.state, run.total, run.is_finetuning) == ("queued", 3, True)
    assert "LoRA of rank 2" in page
    assert taken.status_code == 422
    run.perform()
    assert run.state == "failed"
    assert "no images to train on" in run.error
