"""Fine-tuning a tiny Stable Diffusion of random weights: it learns, goes on unbroken, and its result is used."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.test import Client
from safetensors.torch import load_file

from accounts.models import User
from generation.diffusion.config import ConfigError
from generation.diffusion.data.training_images import TrainingImages
from generation.diffusion.errors import CheckpointError
from generation.diffusion.finetuning import fine_tuner as finetuning
from generation.diffusion.finetuning import pipelines
from generation.diffusion.finetuning.config import FineTuneConfig
from generation.diffusion.finetuning.fine_tuner import FineTuner
from generation.diffusion.launch import train_apart
from generation.diffusion.progress import Progress
from generation.diffusion.run import train
from generation.images.engines import pipeline
from generation.images.engines.pipeline import PipelineEngine
from generation.images.engines.protocol import EngineImage, GenerationRequest
from generation.models import TrainingRun
from generation.training import pipeline_folder
from generation.training.conditions.text_templates import prompt_of
from pool import splits
from pool.models import Dataset
from tests.factories import make_dataset, make_image
from tests.generation.makers import make_job
from tests.generation.tiny_pipeline import save_tiny_pipeline


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_pipeline(tmp_path_factory.mktemp("home") / "pipelines" / "tiny")


@pytest.fixture
def home(folder: Path, tmp_path: Path, settings: Any) -> Path:
    """A models folder with the tiny pipeline in it."""
    settings.MODELS_DIR = tmp_path / "models"
    pipeline_folder.folder().mkdir(parents=True)
    (pipeline_folder.folder() / "tiny").symlink_to(folder)
    pipeline.pipeline_cache.clear()
    return tmp_path / "models"


def images() -> TrainingImages:
    """Bright images and dark ones, each said to be so."""
    pixels = np.random.default_rng(0).integers(0, 40, (6, 16, 16), dtype=np.uint8)
    pixels[::2] += 200
    return TrainingImages(pixels, prompts=["bright", "dark"] * 3)


def small(**changes: Any) -> FineTuneConfig:
    given = {
        "rank": 2,
        "size": 16,
        "steps": 4,
        "batch": 4,
        "checkpoint_every": 2,
        "sample_steps": 2,
        **changes,
    }
    return FineTuneConfig(pipeline="tiny", **given)


def tuner(folder: Path, **changes: Any) -> FineTuner:
    return FineTuner(small(**changes), images(), folder)


@pytest.mark.parametrize("rank", [4, 0], ids=["lora", "full"])
def test_the_loss_falls(rank: int, folder: Path) -> None:
    learning = tuner(folder, rank=rank, steps=60, learning_rate=1e-2)

    def on_the_same_noise() -> float:
        dice = [torch.Generator().manual_seed(n) for n in range(12)]
        with torch.no_grad():
            return float(np.mean([learning.loss(learning.draw(die, np.arange(4))).item() for die in dice]))

    before = on_the_same_noise()
    for _ in range(60):
        learning.train_step()

    assert on_the_same_noise() < 0.97 * before


@pytest.mark.parametrize("rank", [2, 0], ids=["lora", "full"])
def test_a_run_cut_off_ends_bit_for_bit_like_an_unbroken_one(rank: int, folder: Path, tmp_path: Path) -> None:
    config = small(rank=rank, accumulate=2)

    def cut_off(progress: Progress) -> None:
        if progress.step == 3:
            raise KeyboardInterrupt

    unbroken = train(config, images(), tmp_path / "unbroken", pipeline=folder)
    with pytest.raises(KeyboardInterrupt):
        train(config, images(), tmp_path / "broken", pipeline=folder, on_progress=cut_off)
    resumed = train(config, images(), tmp_path / "broken", pipeline=folder)

    assert resumed.name == "step-00000004"
    for file in ("model.safetensors", "state.safetensors"):
        expected, found = load_file(unbroken / file), load_file(resumed / file)
        assert expected.keys() == found.keys()
        assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_a_loss_that_breaks_once_goes_back_a_checkpoint_and_ends(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_step, reports = FineTuner.train_step, list[Progress]()

    def broken_at_three(learning: FineTuner) -> torch.Tensor:
        loss = train_step(learning)
        return loss * float("nan") if learning.step == 3 and not learning.turn else loss

    monkeypatch.setattr(FineTuner, "train_step", broken_at_three)
    train(small(), images(), tmp_path, pipeline=folder, on_progress=reports.append)

    assert [progress.step for progress in reports if not progress.preparing] == [1, 2, 2, 3, 4]
    assert any("went back to step 2" in progress.note for progress in reports)


def test_images_are_drawn_few_at_once_and_are_the_same_however_many_are_asked_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learning, at_once = tuner(folder), list[int]()
    pipe = learning.pipe

    def counted(**told: Any) -> Any:
        at_once.append(len(told["prompt_embeds"]))
        return pipe(**told)

    monkeypatch.setattr(learning, "pipe", counted)
    drawn = learning.images(range(10), seed=5)

    assert at_once == [4, 4, 2]
    assert np.abs(drawn[[7]].astype(int) - learning.images([7], seed=5)).max() <= 1


@pytest.mark.e2e
def test_two_processes_learn_what_one_does(folder: Path, tmp_path: Path) -> None:
    config, told = small(steps=2), dict[int, dict[int, float]]()

    for processes in (1, 2):
        losses = told.setdefault(processes, {})
        train_apart(
            *(config, images(), tmp_path / str(processes)),
            pipeline=folder,
            processes=processes,
            on_progress=lambda progress, losses=losses: losses.update({progress.step: progress.loss}),  # type: ignore[misc]  # a default binds the loop's dict
        )

    assert told[2][2] == pytest.approx(told[1][2], rel=1e-4)


def test_a_lora_trains_little_and_leaves_the_pipeline_as_it_was(folder: Path) -> None:
    learning = tuner(folder)
    frozen = {name: weight.clone() for name, weight in learning.net.named_parameters() if "lora" not in name}

    learning.train_step()

    assert all("lora" in name for name in learning.trained)
    now = dict(learning.net.named_parameters())
    assert all(torch.equal(weight, now[name]) for name, weight in frozen.items())


def test_a_checkpoint_of_another_rank_is_not_gone_on_from(folder: Path, tmp_path: Path) -> None:
    tuner(folder, rank=2).save(tmp_path / "step-00000000")

    with pytest.raises(CheckpointError, match="another rank"):
        tuner(folder, rank=0).restore(tmp_path / "step-00000000")


def test_what_an_earlier_version_began_is_not_gone_on_from(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finetuning, "FORMAT", "lungrater-finetuning-1")
    tuner(folder).save(tmp_path / "step-00000000")
    monkeypatch.undo()

    with pytest.raises(CheckpointError, match="start it anew"):
        tuner(folder).restore(tmp_path / "step-00000000")


@pytest.mark.parametrize(
    ("changes", "words"), [({"rank": -1}, "rank"), ({"size": 15}, "size"), ({"learning_rate": 0}, "learning")]
)
def test_settings_that_cannot_be_are_said_in_a_sentence(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        small(**changes)


# --- As a training run -----------------------------------------------------------------------------------------
def image(name: str, **lora: Any) -> Any:
    request = GenerationRequest("xray", prompt="chest", seed=1, settings={"steps": 2})
    [image] = PipelineEngine(pipeline_folder.source(name, **lora)).generate(request, [0])
    assert isinstance(image, EngineImage)
    return image.pixels


WORDS = ("train", "--pipeline=tiny", "--name=Our chests", "--dataset=Chests")
NUMBERS = ("--steps=4", "--batch=2", "--size=16", "--prompt={modality} {finding}")


@pytest.fixture
def chests(monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """Enough images that some are held out."""
    monkeypatch.setattr(splits, "ENOUGH_TO_SPLIT", 30)
    dataset = make_dataset("Chests")
    for number in range(36):
        make_image(dataset, label=("normal", "effusion")[number % 2], patient=f"patient {number}")
    return dataset


@pytest.mark.django_db
@pytest.mark.parametrize("rank", [2, 0], ids=["lora", "full"])
def test_the_command_leaves_measured_checkpoints_and_what_the_pipeline_engine_finds(
    rank: int, home: Path, chests: Dataset, client_of: Callable[[User], Client], researcher: User
) -> None:
    before = image("tiny")

    settings = ("--set", "checkpoint_every=2", "sample_steps=2", "learning_rate=0.01")
    call_command(*WORDS, *NUMBERS, f"--lora={rank}", *settings, stdout=StringIO())

    run = TrainingRun.objects.get()
    assert (run.state, run.done) == ("succeeded", 4)
    assert "“our-chests” is ready" in run.message
    assert [row.step for row in run.checkpoints.order_by("step")] == [2, 4]
    for row in run.checkpoints.all():
        assert row.metrics["fid"] > 0
        assert row.metrics["memorisation"]["of"] == row.metrics["n_fake"]
        assert row.samples
        assert row.neighbours
        assert bool(row.weights) == bool(rank)
    if rank:
        assert pipeline_folder.lora_names() == ["our-chests", "our-chests@2", "our-chests@4"]
        after = image("tiny", lora="our-chests", lora_scale=50.0)
    else:
        assert pipeline_folder.names() == ["our-chests", "tiny"]
        after = image("our-chests")
    assert not np.array_equal(before, after)
    assert np.array_equal(before, image("tiny"))
    browser = client_of(researcher)
    page = browser.get(run.get_absolute_url()).content.decode()
    card = browser.get(run.checkpoints.get(step=4).get_absolute_url()).content.decode()
    assert "FD (phantom-64) and KD (phantom-64) by step" in page
    assert page.count("samples.png") == 2
    assert run.facts["pipeline_sha256"] in card
    assert "our-chests" in card
    with pytest.raises(CommandError, match="There is a model"):
        call_command(*WORDS)


@pytest.mark.django_db
def test_what_a_fine_tuned_model_makes_knows_its_checkpoint_and_what_that_learned_from(
    home: Path, chests: Dataset
) -> None:
    call_command(*WORDS, *NUMBERS, "--set", "checkpoint_every=2", "sample_steps=2", stdout=StringIO())
    settings = {"steps": 2, "lora": "our-chests@2"}
    job = make_job(total=1, engine="pipeline", api_model="tiny", prompt="chest", settings=settings)

    job.perform()

    assert job.state == "succeeded", job.error
    provenance = job.dataset.images.get().provenance
    assert (provenance["trained_on"], provenance["checkpoint_step"]) == ("Chests", 2)
    assert provenance["fid"] == TrainingRun.objects.get().checkpoints.get(step=2).metrics["fid"]
    with pytest.raises(CommandError, match="is a fine-tuning"):
        call_command("generate", "--model=Our chests", "--count=1", "--dataset=Fakes", stdout=StringIO())


@pytest.mark.django_db
def test_a_prompt_says_each_images_own_finding() -> None:
    ill, well = make_image(label="effusion"), make_image(label="")

    assert prompt_of(ill, "chest {modality}, {finding}") == "chest X-ray, effusion"
    assert prompt_of(well, "chest {modality}, {finding}") == "chest X-ray"


def test_a_word_comes_at_least_every_64_prompts_and_each_image_gets_its_own(folder: Path) -> None:
    prompts, words = [f"image {number % 130}" for number in range(131)], list[str]()
    images = TrainingImages(np.zeros((131, 16, 16), dtype=np.uint8), prompts=prompts)

    learning = FineTuner(small(), images, folder, tell=words.append)

    assert [word for word in words if "prompts" in word] == [
        f"Encoding the prompts: {place} of 131" for place in (0, 64, 128)
    ]
    texts = ["", *sorted(set(prompts))]
    assert [texts[place] for place in learning.prompt_of.tolist()] == prompts


@pytest.mark.django_db
def test_more_different_prompts_than_fit_are_refused_before_a_run_is_queued(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = make_dataset("Chests")
    for number in range(3):
        make_image(dataset, provenance={"attributes": {"caption": f"text {number}"}})
    monkeypatch.setattr(pipelines, "MOST_BYTES_OF_PROMPTS", 2 * 77 * 16 * 4)

    with pytest.raises(CommandError, match=r"3 different prompts take .* that differ less"):
        call_command(*WORDS, "--prompt={caption}")

    assert not TrainingRun.objects.exists()


@pytest.mark.django_db
def test_a_finetuning_is_queued_from_the_page_and_shown(
    home: Path, researcher: User, client_of: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.models.enqueue", lambda *_, **__: None)
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


@pytest.mark.django_db
def test_a_finetuning_from_the_page_takes_from_its_file_what_is_not_filled_in(
    home: Path, researcher: User, client_of: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.models.enqueue", lambda *_, **__: None)
    browser, file = client_of(researcher), small(prompt="a chest, {finding}", rank=3).as_toml().encode()
    wish = {"name": "Ours", "dataset": make_dataset().pk, "pipeline": "tiny", "rank": 5}

    browser.post("/generation/training/fine-tune/", {**wish, "config_file": ContentFile(file, "run.toml")})
    browser.post("/generation/training/fine-tune/", {**wish, "name": "Plain"})

    from_file, plain = (TrainingRun.objects.get(name=name).config for name in ("Ours", "Plain"))
    assert (from_file["prompt"], from_file["rank"], from_file["steps"]) == ("a chest, {finding}", 5, 4)
    assert plain["prompt"] == "{modality}, {finding}"


@pytest.mark.django_db
def test_the_commands_own_options_win_over_the_file_and_over_set(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generation.management.commands.train.perform_with_bar", lambda *_, **__: None)
    make_dataset("Chests")
    file = tmp_path / "run.toml"
    file.write_text('pipeline = "another"\nrank = 3\n')

    for name, own in {"own": ["--set", "rank=5", "--lora=4"], "file": [], "set": ["--set", "rank=5"]}.items():
        words = ("train", "--dataset=Chests", "--pipeline=tiny", f"--name={name}", f"--config={file}", *own)
        with pytest.raises(CommandError):  # it was queued, and nothing has trained it
            call_command(*words, stdout=StringIO())
    with pytest.raises(CommandError):
        call_command(*WORDS, stdout=StringIO())

    config = dict(TrainingRun.objects.values_list("name", "config"))
    assert {one["pipeline"] for one in config.values()} == {"tiny"}
    assert {name: one["rank"] for name, one in config.items()} == {
        "own": 4,
        "file": 3,
        "set": 5,
        "Our chests": 8,
    }
