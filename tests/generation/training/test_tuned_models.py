"""Whose a pipeline or a LoRA is, and all that stands behind the images it makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.utils.text import slugify

from generation.diffusion.finetuning.config import FineTuneConfig
from generation.images import runner
from generation.models import Checkpoint, GenerationJob, TrainingRun
from generation.training.tuned_models import checkpoint_behind, is_taken
from generation.utility.config import UtilityConfig
from generation.utility.data import material_of, runs_behind
from pool.models import Dataset, Origin
from tests.factories import make_dataset
from tests.generation.makers import ScriptedEngine, make_job
from tests.generation.utility.datasets import fake_dataset, make_experiment, real_dataset

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def models_folder(tmp_path: Path, settings: Any) -> None:
    settings.MODELS_DIR = tmp_path


def finetuned(name: str, *, pipeline: str = "stable-diffusion", rank: int = 0) -> TrainingRun:
    """A fine-tuning that has ended, with one measured checkpoint."""
    config = FineTuneConfig(pipeline=pipeline, rank=rank).as_json()
    run = TrainingRun.objects.create(name=name, dataset=make_dataset(), config=config, total=4)
    facts: dict[str, Any] = {"step": 4, "description": {}, "metrics": {"fid": 3.0}}
    Checkpoint.objects.create(name=f"{name} at 4", run=run, **facts)
    return run


def drawn(model: str, lora: str = "") -> Dataset:
    """The images of a job of the pipeline engine."""
    dataset = make_dataset(origin=Origin.SYNTHETIC)
    settings = {"lora": lora} if lora else {}
    make_job(dataset=dataset, engine="pipeline", api_model=model, prompt="chest", settings=settings)
    return dataset


def behind(images: Dataset) -> set[str]:
    return {run.name for run in runs_behind(make_experiment(make_dataset(), images, name=str(images)))}


def test_a_lora_stands_before_its_pipeline_and_one_from_elsewhere_hides_nothing() -> None:
    whole, lora = finetuned("Our chests"), finetuned("Fine lines", pipeline="our-chests", rank=4)

    assert checkpoint_behind("our-chests") == whole.chosen_checkpoint
    assert checkpoint_behind("our-chests", "fine-lines@4") == lora.chosen_checkpoint
    assert checkpoint_behind("our-chests", "downloaded") == whole.chosen_checkpoint
    assert checkpoint_behind("stable-diffusion", "downloaded") is None


def test_behind_images_stand_the_pipeline_the_lora_and_what_either_started_from() -> None:
    finetuned("First")
    finetuned("Second", pipeline="first")
    finetuned("Strokes", pipeline="elsewhere", rank=4)

    assert behind(drawn("stable-diffusion")) == set()
    assert behind(drawn("first", "downloaded")) == {"First"}
    assert behind(drawn("second")) == {"First", "Second"}
    assert behind(drawn("second", "strokes@4")) == {"First", "Second", "Strokes"}


def test_what_a_job_once_noted_counts_with_what_that_started_from() -> None:
    finetuned("First")
    noted = finetuned("Second", pipeline="first").chosen_checkpoint
    images = drawn("renamed")
    GenerationJob.objects.update(checkpoint=noted)

    assert behind(images) == {"First", "Second"}


def test_an_experiment_says_that_nobody_knows_what_a_lora_from_elsewhere_learned_from() -> None:
    real, fakes = real_dataset(patients=6), fake_dataset(images=2)
    finetuned("Our chests").images.set(real.images.exclude(split="test"))
    used: dict[str, Any] = {
        "engine": "pipeline",
        "api_model": "our-chests",
        "prompt": "chest",
        "checkpoint": checkpoint_behind("our-chests"),
    }
    experiment = make_experiment(real, fakes)
    config = UtilityConfig.from_mapping(experiment.config)
    notes_of_arms = []

    for lora in ("our-chests", "downloaded"):
        make_job(dataset=fakes, settings={"lora": lora}, **used)
        notes_of_arms.append(" ".join(material_of(experiment, config, pulse=lambda: None).notes))

    assert ["is not known here" in notes for notes in notes_of_arms] == [False, True]


def test_under_a_lora_from_elsewhere_the_distances_of_the_pipeline_are_not_claimed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = finetuned("Our chests")
    monkeypatch.setattr(runner, "engine_of", lambda _job: ScriptedEngine())
    alone, mixed = drawn("our-chests"), drawn("our-chests", "downloaded")

    for job in GenerationJob.objects.all():
        job.perform()

    provenances = [dataset.images.all()[0].provenance for dataset in (alone, mixed)]
    assert [provenance["trained_on"] for provenance in provenances] == [run.dataset.name] * 2
    assert [provenance.get("fid") for provenance in provenances] == [3.0, None]


def test_two_names_that_would_become_the_same_files_are_one_name() -> None:
    run = finetuned("Our chests")

    assert is_taken(run.name)
    assert is_taken(slugify(run.name))
    assert not is_taken("Their chests")
