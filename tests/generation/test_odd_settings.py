"""Settings that a TOML text may hold and no database or network can: they come back with a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from generation.models import TrainingRun, UtilityExperiment
from tests.factories import make_dataset, make_image
from tests.generation.utility.datasets import fake_dataset, real_dataset

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "settings",
    [
        "learning_rate = inf",
        "time_shift = inf",
        "latent_adversarial = nan",
        "latent_perceptual = 1.0",
        'latent = "own"\nlatent_adversarial = 0.5\nlatent_adversarial_start = 2000',
        'attributes = [{name = "age", low = 0.0, high = inf}]',
        'classes = [{label = "nodule\\u0000"}]',
        'latent = "/etc"',
        'latent = "../autoencoders"',
        "widths = [32, inf]",
        'extractors = "all"',
        f"widths = {'[' * 5000}{']' * 5000}",
        f"scheduler_config = '{'[' * 100_000}'\nunet_config = '{{}}'",
    ],
    ids=lambda settings: str(settings)[:30],
)
def test_a_run_is_not_queued(settings: str, client_of: Callable[[User], Client], researcher: User) -> None:
    dataset = make_dataset("Chests")
    make_image(dataset, label="nodule")

    wish = {"name": "Trial", "dataset": dataset.pk, "preset": "tiny", "settings": settings}
    reply = client_of(researcher).post("/generation/training/new/", wish)

    assert reply.status_code == 422
    assert not TrainingRun.objects.exists()


@pytest.mark.parametrize(
    "settings", ["learning_rate = inf", "ratios = [inf]", "ratios = 0.5", 'labels = ["nodule", "a\\u0000"]']
)
def test_an_experiment_is_not_queued(
    settings: str, client_of: Callable[[User], Client], researcher: User
) -> None:
    real, fakes = real_dataset(), fake_dataset()

    wish = {"name": "Trial", "preset": "tiny", "seed": 0, "real": real.pk, "synthetic": [fakes.pk]}
    reply = client_of(researcher).post("/generation/utility/new/", {**wish, "settings": settings})

    assert reply.status_code == 422
    assert not UtilityExperiment.objects.exists()


def test_no_autoencoder_is_taken_from_elsewhere_on_the_server(
    client_of: Callable[[User], Client], researcher: User, settings: Any, tmp_path: Path
) -> None:
    settings.MODELS_DIR = tmp_path / "models"
    for folder in (tmp_path / "elsewhere", tmp_path / "models" / "autoencoders" / "kl"):
        folder.mkdir(parents=True)
        (folder / "config.json").write_text("{}")
    make_image(dataset := make_dataset("Chests"))
    wish = {"name": "Trial", "dataset": dataset.pk, "preset": "tiny"}
    browser, page = client_of(researcher), "/generation/training/new/"

    refused = browser.post(page, {**wish, "settings": f'latent = "{tmp_path / "elsewhere"}"'})
    accepted = browser.post(page, {**wish, "settings": 'latent = "kl"\nsize = 64'})

    assert "names a folder in models/autoencoders" in refused.text
    assert "among: kl." in refused.text
    assert accepted.status_code == 302
    assert [run.config["latent"] for run in TrainingRun.objects.all()] == ["kl"]
