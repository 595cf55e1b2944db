"""A run at its end goes on, a new one starts from a model there is: by page, command and API, and what is written of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from audit.models import Event
from generation.models import Checkpoint, TrainingRun
from generation.training.model_card import markdown
from pool.models import Dataset, Image
from tests.factories import make_dataset, make_image

pytestmark = pytest.mark.django_db

TINY = (
    *("size=16", "widths=[8, 16]", "head_dim=8", "steps=2", "batch=2", "warmup=1", "checkpoint_every=2"),
    *("sample_count=1", "sample_steps=2", "decay=constant"),
)


@pytest.fixture(autouse=True)
def models_folder(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MODELS_DIR = tmp_path
    monkeypatch.setattr("jobs.models.enqueue", lambda *_, **__: None)


def command(*words: str) -> Any:
    out = StringIO()
    call_command(*words, "--json", stdout=out)
    return json.loads(out.getvalue())


def images_named(name: str) -> Dataset:
    dataset = make_dataset(name)
    for _ in range(3):
        make_image(dataset)
    return dataset


@pytest.fixture
def parent() -> Checkpoint:
    images_named("First")
    command("train", "--dataset=First", "--name=parent", "--set", *TINY)
    return Checkpoint.objects.get(name="parent@2")


def test_a_run_at_its_end_goes_on_for_more_steps_by_command_page_and_api(
    parent: Checkpoint, researcher: User, client_of: Callable[[User], Client]
) -> None:
    run = TrainingRun.objects.get()

    report = command("train", "--resume=parent", "--more-steps=1")
    browser = client_of(researcher)
    page = browser.get(run.get_absolute_url()).content.decode()
    browser.post(f"/generation/training/{run.pk}/resume", {"more_steps": 4})

    assert (report["state"], report["steps"], report["checkpoints"]) == (
        "succeeded",
        3,
        ["parent@2", "parent@3"],
    )
    assert "Train longer" in page
    run.refresh_from_db()
    assert (run.state, run.total, run.config["steps"]) == ("queued", 7, 7)
    events = Event.objects.filter(action="let a model train longer").order_by("pk")
    assert [event.detail["steps"] for event in events] == [3, 7]
    assert not run.train_longer(1)
    with pytest.raises(CommandError, match="only one at its end"):
        command("train", "--resume=parent", "--more-steps=1")


def test_images_that_came_meanwhile_stand_on_the_card_of_the_longer_run(parent: Checkpoint) -> None:
    make_image(Dataset.objects.get(name="First"))

    command("train", "--resume=parent", "--more-steps=1")

    assert "- **From step 2 on:** 4 images" in markdown(Checkpoint.objects.get(name="parent@3"))
    assert "From step 2 on" not in markdown(parent)


def test_a_model_starts_from_another_and_names_it_in_run_card_images_and_what_may_not_test_it(
    parent: Checkpoint,
) -> None:
    second = images_named("Second")

    command("train", "--dataset=Second", "--name=child", "--from=parent@2", "--steps=1", "--seed=3")
    command("generate", "--model=child", "--count=1", "--dataset=Fakes", "--steps=2")

    run = TrainingRun.objects.get(name="child")
    assert run.parent == parent
    assert (run.config["widths"], run.config["steps"]) == ([8, 16], 1)
    assert run.facts["parent_sha256"] == parent.sha256
    assert run.images.count() == 6
    card = markdown(Checkpoint.objects.get(name="child@1"))
    assert f"- **Started with the weights of:** parent@2, SHA-256 {parent.sha256}" in card
    fake = Image.objects.get(dataset__name="Fakes")
    assert fake.provenance["trained_on_before"] == ["First"]
    assert fake.learned_from == {"First", second.name}
    with pytest.raises(CommandError, match="child started with the weights of parent@2"):
        command("models", "remove", "parent@2")


def test_an_imported_model_can_be_started_from(parent: Checkpoint, tmp_path: Path) -> None:
    command("models", "export", "parent", str(tmp_path / "out"))
    command("models", "import", str(tmp_path / "out"), "--name=theirs")

    command("train", "--dataset=First", "--name=child", "--from=theirs", "--steps=1")

    assert Checkpoint.objects.get(name="child@1").run.ancestors == [Checkpoint.objects.get(name="theirs")]


def test_what_cannot_be_is_refused_before_a_worker_has_it(parent: Checkpoint) -> None:
    refusals = {
        ("--from=nobody",): "no model 'nobody'",
        ("--from=parent", "--preset=small"): "choose one of them",
        ("--from=parent", "--set", "widths=[8, 24]"): "What starts from parent@2 has its widths: 8, 16",
        ("--from=parent", "--set", "objective=epsilon"): "has its objective: flow",
        ("--more-steps=4",): "goes with --resume",
        ("--set", 'classes=[{modality="ct"}]'): "has no class xray",
    }

    for words, sentence in refusals.items():
        with pytest.raises(CommandError, match=sentence):
            command("train", "--dataset=First", "--name=child", *words)

    assert not TrainingRun.objects.filter(name="child").exists()
