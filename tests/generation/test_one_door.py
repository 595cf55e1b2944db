"""Page and command fill one form: what the one refuses the other refuses, and both leave the same row."""

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
from generation.models import GenerationJob, QualityReport, TrainingRun, UtilityExperiment
from jobs.models import Job
from tests.factories import make_dataset, make_image

pytestmark = pytest.mark.django_db

API = ("--engine=openai", "--model=gpt-image-2", "--prompt=chest x-ray", "--count=3", "--dataset=Fakes")
ROW = (
    "engine",
    "api_model",
    "prompt",
    "image_specs",
    "modality",
    "label",
    "settings",
    "total",
    "price",
    "spend_cap",
)


@pytest.fixture(autouse=True)
def silent_broker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Any) -> None:
    monkeypatch.setattr("jobs.models.enqueue", lambda *_, **__: None)
    settings.MODELS_DIR = tmp_path / "models"


@pytest.fixture
def browser(client_of: Callable[[User], Client], researcher: User) -> Client:
    return client_of(researcher)


def refused(*words: str) -> str:
    with pytest.raises(CommandError) as refusal:
        call_command(*words, stdout=StringIO())
    assert refusal.value.returncode == 2
    return str(refusal.value)


def test_a_cap_without_a_price_is_refused_on_the_page_and_on_the_command_line(browser: Client) -> None:
    wish = {"api_model": "gpt-image-2", "prompt": "chest x-ray", "total": 3, "modality": "xray"}

    page = browser.post("/generation/new/openai/", {**wish, "new_dataset": "Fakes", "spend_cap": "1"})
    sentence = refused("generate", *API, "--spend-cap=1")

    assert page.status_code == 422
    [error] = page.context["form"].errors["price"]
    assert sentence == f"--price: {error}"
    assert not GenerationJob.objects.exists()


@pytest.mark.parametrize("option", ["--seed=1", "--steps=20", "--negative-prompt=text", "--guidance=3"])
def test_what_the_api_cannot_heed_is_refused_and_not_dropped(option: str) -> None:
    sentence = refused("generate", *API, option)

    assert sentence == f"The engine “OpenAI Images API” takes no {option.partition('=')[0]}."
    assert not GenerationJob.objects.exists()


def test_page_and_command_leave_the_same_job(browser: Client) -> None:
    template = "{view:PA|AP} x-ray, {finding:normal|opacity}"
    wish = {"api_model": "gpt-image-2", "prompt": template, "total": 5, "modality": "xray", "quality": "low"}
    words = ("--engine=openai", "--model=gpt-image-2", f"--prompt={template}", "--count=5", "--quality=low")

    browser.post(
        "/generation/new/openai/", {**wish, "new_dataset": "By page", "price": "0.1", "spend_cap": "1"}
    )
    call_command("generate", *words, "--price=0.1", "--spend-cap=1", "--dataset=By words", "--queue")

    by_page, by_words = (
        GenerationJob.objects.filter(dataset__name=name).values(*ROW).get()
        for name in ("By page", "By words")
    )
    assert by_page == by_words


def test_page_and_command_leave_the_same_training(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    leave_queued(monkeypatch, "train")
    dataset = make_dataset("Chests")
    wish = {"dataset": dataset.pk, "preset": "small", "steps": 7, "settings": 'objective = "v_prediction"'}

    browser.post("/generation/training/new/", {**wish, "name": "By page"})
    words = ("--preset=small", "--steps=7", "--set", "objective=v_prediction")
    call_command("train", "--dataset=Chests", "--name=By words", *words, stdout=StringIO())

    configs = dict(TrainingRun.objects.values_list("name", "config"))
    assert configs["By page"] == configs["By words"]


def test_page_and_command_leave_the_same_quality_report(
    browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_queued(monkeypatch, "quality")
    real, fakes = make_dataset("Real"), make_dataset("Fakes", origin="synthetic")
    make_image(real, split="test"), make_image(fakes)

    wish = {"reference": real.pk, "candidate": fakes.pk, "split": "test", "most": 50, "seed": 3}
    browser.post("/generation/quality/new/", wish)
    words = ("--split=test", "--most=50", "--seed=3", "--json")
    call_command("quality", "--reference=Real", "--candidate=Fakes", *words, stdout=StringIO())

    first, second = QualityReport.objects.values("reference", "candidate", "split", "most", "seed")
    assert first == second


def test_page_and_command_leave_the_same_experiment(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    leave_queued(monkeypatch, "utility")
    real, fakes = make_dataset("Real"), make_dataset("Fakes", origin="synthetic")
    for label in ("normal", "opacity"):
        make_image(real, label=label, split="train"), make_image(real, label=label, split="test")
        make_image(fakes, label=label)
    wish = {
        "real": real.pk,
        "synthetic": [fakes.pk],
        "preset": "tiny",
        "seed": 0,
        "labels": "normal, opacity",
    }

    browser.post(
        "/generation/utility/new/", {**wish, "name": "By page", "settings": "ratios = [2.0]\nsize = 64"}
    )
    words = ("--labels=normal, opacity", "--ratios=2", "--size=64", "--name=By words", "--json")
    call_command("utility", "--real=Real", "--synthetic=Fakes", *words, stdout=StringIO())

    configs = dict(UtilityExperiment.objects.values_list("name", "config"))
    assert configs["By page"] == configs["By words"]


def test_an_experiment_without_a_model_to_train_makes_no_images(browser: Client) -> None:
    make_dataset("Real"), make_dataset("Fakes", origin="synthetic")

    sentence = refused("utility", "--real=Real", "--synthetic=Fakes", "--per-class=5")

    assert sentence.startswith("--per-class: ")
    assert json.dumps(list(UtilityExperiment.objects.values())) == "[]"


def leave_queued(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    """Let the command stop where the work would begin, as if it had been done."""

    def done(job: Job, *, unit: str) -> None:
        assert job.state == "queued"
        type(job).objects.filter(pk=job.pk).update(state="succeeded")
        job.refresh_from_db()

    monkeypatch.setattr(f"generation.management.commands.{command}.perform_with_bar", done)
