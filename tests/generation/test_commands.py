"""`lungrater generate` and `lungrater train`, as a person at a terminal meets them."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from generation.models import GenerationJob, TrainingRun
from pool.models import Dataset, Origin
from tests.factories import make_dataset, make_image
from tests.generation.makers import make_checkpoint, make_job

pytestmark = pytest.mark.django_db

TINY = """
size = 16
widths = [8, 16]
head_dim = 8
steps = 3
batch = 2
sample_count = 2
sample_steps = 2
"""


@pytest.fixture(autouse=True)
def models_folder(tmp_path: Path, settings: Any) -> None:
    settings.MODELS_DIR = tmp_path / "models"


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_phantoms_stand_in_for_a_real_dataset_when_told_to() -> None:
    report = json.loads(
        run(
            *("generate", "--engine=phantom", "--count=2", "--label=opacity", "--modality=ct"),
            *("--size=32", "--dataset=Stand-ins", "--stand-in", "--seed=3", "--json"),
        )
    )

    assert report["made"] == 2
    assert report["seed"] == 3
    dataset = Dataset.objects.get(name="Stand-ins")
    assert dataset.origin == Origin.REAL
    assert dataset.modality == "ct"
    assert {image.width for image in dataset.images.all()} == {32}


def test_a_template_is_queued_for_the_workers_with_its_price_and_cap() -> None:
    words = (
        "--engine=openai",
        "--model=dall-e-2",
        "--size=256x256",
        "--count=4",
        "--dataset=D",
        "--spend-cap=1",
    )

    output = run("generate", *words, "--prompt=x-ray, {finding:normal|opacity}", "--queue", "--priority=high")

    job = GenerationJob.objects.get()
    assert output == f"Queued as job {job.pk}.\n"
    assert (job.state, job.priority, str(job.price)) == ("queued", 1, "0.0160")
    assert [spec["label"] for spec in job.image_specs] == ["normal", "opacity"]


def test_a_list_of_prompts_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("text\nx\n")
    words = ("--engine=openai", "--model=dall-e-2", "--count=4", "--dataset=D")

    with pytest.raises(CommandError, match="a column named prompt"):
        run("generate", *words, f"--prompts={tmp_path / 'list.csv'}")


def test_a_trained_model_generates_into_a_new_dataset(tmp_path: Path) -> None:
    make_checkpoint(tmp_path, "my-model")

    output = run("generate", "--model=my-model", "--count=2", "--dataset=Fakes", "--steps=2", "--seed=1")

    assert output == "2 made into “Fakes” with seed 1.\n"
    assert Dataset.objects.get(name="Fakes").origin == Origin.SYNTHETIC
    assert GenerationJob.objects.get().state == "succeeded"


def test_the_same_seed_again_is_said_to_be_there_already(tmp_path: Path) -> None:
    make_checkpoint(tmp_path, "my-model")
    words = ("generate", "--model=my-model", "--count=1", "--dataset=Fakes", "--steps=2", "--seed=1")
    run(*words)

    with pytest.raises(CommandError, match="already holds these pixels"):
        run(*words)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--model=nobody"], "There is no model 'nobody'; there are: phantom-lungs"),
        (["--model=phantom-lungs", "--label=mass"], "cannot make that; it makes: xray/normal"),
        (["--engine=openai", "--model=dall-e-2"], "--prompt: This field is required"),
        (["--engine=phantom", "--count=0"], "from 1 to 100,000 images"),
        (["--engine=openai", "--stand-in", "--model=m", "--prompt=x"], "takes no --stand-in"),
    ],
)
def test_a_bad_wish_is_answered_with_a_sentence_and_exit_2(words: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence) as refused:
        run("generate", "--count=1", "--dataset=Fakes", *words)

    assert refused.value.returncode == 2
    assert not GenerationJob.objects.exists()
    assert not Dataset.objects.exists()


def test_a_model_is_trained_from_a_config_file_and_its_checkpoint_named(tmp_path: Path) -> None:
    dataset = make_dataset("Chests")
    for _ in range(3):
        make_image(dataset, label="normal")
    config = tmp_path / "tiny.toml"
    config.write_text(TINY)

    words = ("--name=mine", f"--config={config}", "--set", "objective=v_prediction", "augment=0.5", "--json")
    report = json.loads(run("train", "--dataset=Chests", *words))

    assert report["state"] == "succeeded"
    assert TrainingRun.objects.get().config["objective"] == "v_prediction"
    assert report["checkpoints"] == ["mine@3"]
    made = json.loads(run("generate", "--model=mine", "--count=1", "--dataset=F", "--steps=2", "--json"))
    assert made["made"] == 1


def test_a_stopped_run_is_resumed_by_name(tmp_path: Path) -> None:
    dataset = make_dataset("Chests")
    make_image(dataset)
    config = tmp_path / "tiny.toml"
    config.write_text(TINY)
    run("train", "--dataset=Chests", f"--config={config}")
    TrainingRun.objects.update(state="cancelled")

    output = run("train", "--resume=Chests")

    assert output == "Chests: 3 steps, checkpoints Chests@3.\n"
    with pytest.raises(CommandError, match="nothing to resume"):
        run("train", "--resume=Chests")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--dataset=Nothing"], "no dataset 'Nothing'"),
        (["--dataset=Chests", "--config=/nowhere.toml"], "cannot be read"),
        (["--dataset=Chests", "--size=50"], "size must be a multiple"),
        (["--dataset=Chests", "--set", "steps"], "key=value"),
        (["--resume=nobody"], "no run 'nobody'"),
        (["--resume=nobody", "--size=32"], "takes no --size"),
        (["--resume=nobody", "--set", "seed=1", "--batch=2"], "takes no --set and no --batch"),
    ],
)
def test_a_training_that_cannot_be_is_answered_with_a_sentence(words: list[str], sentence: str) -> None:
    make_dataset("Chests")

    with pytest.raises(CommandError, match=sentence):
        run("train", *words)


def test_jobs_are_listed_let_go_on_asked_for_again_hurried_and_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("jobs.models.enqueue", lambda *_, **__: None)
    job = make_job(engine="openai", api_model="m", prompt="x", price="0.1", spend_cap="1")
    GenerationJob.objects.update(state="paused", error="The cap is reached.")

    listed = run("jobs", "list", "--state=paused")
    run("jobs", "go-on", str(job.pk), "--spend-cap=12.50")
    run("jobs", "priority", str(job.pk), "high")
    repeat = json.loads(run("jobs", "again", str(job.pk), "--seed=9", "--json"))
    run("jobs", "cancel", str(job.pk))

    job.refresh_from_db()
    assert "The cap is reached." in listed
    assert (job.state, job.priority, str(job.spend_cap)) == ("cancelled", 1, "12.50")
    assert (repeat["state"], repeat["seed"]) == ("queued", 9)
    assert [row["job"] for row in json.loads(run("jobs", "--json"))] == [repeat["job"], job.pk]
    words = [event.text for event in job.events.all()]
    assert words[:3] == [
        "The cap is now US$12.50.",
        f"Queued again, up to {job.total} images.",
        "Priority: high.",
    ]


def test_what_cannot_be_done_to_a_job_is_said_in_a_sentence() -> None:
    job = make_job()
    GenerationJob.objects.update(state="succeeded")

    for words, sentence in (
        (("cancel", str(job.pk)), "nothing to stop"),
        (("go-on", str(job.pk)), "no second start"),
        (("priority", str(job.pk), "low"), "changes nothing"),
        (("cancel", "987"), "There is no job 987"),
    ):
        with pytest.raises(CommandError, match=sentence):
            run("jobs", *words)
