"""A run held against images it never saw: on its page, in its files, on its model cards, in what it makes."""

from __future__ import annotations

import csv
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from numpy.typing import NDArray

from accounts.models import User
from generation.diffusion.checkpoint_json import CheckpointJSON
from generation.diffusion.trainer import Trainer
from generation.metrics.checkpoint_evaluator import TRAINING, Watch
from generation.models import Checkpoint, TrainingRun
from generation.training.fidelity_figure import table
from generation.training.model_card import markdown
from generation.training.run_history import loss_curve
from pool import splits
from pool.models import Dataset
from tests.factories import make_dataset, make_image
from tests.generation.makers import make_job, make_run
from tests.generation.tiny import tiny_config

pytestmark = pytest.mark.django_db


@pytest.fixture
def dataset(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    settings.MODELS_DIR = tmp_path
    monkeypatch.setattr(splits, "ENOUGH_TO_SPLIT", 30)
    dataset = make_dataset("Chests")
    Dataset.objects.filter(pk=dataset.pk).update(licence="CC BY 4.0", citation="Somebody 2026")
    for number in range(40):
        make_image(dataset, label="normal", patient=f"patient {number}")
    dataset.refresh_from_db()
    return dataset


@pytest.fixture
def run(dataset: Dataset) -> TrainingRun:
    run = make_run(dataset)
    run.perform()
    assert run.state == "succeeded", run.error
    return run


def test_every_checkpoint_is_measured_against_the_images_held_out(run: TrainingRun, dataset: Dataset) -> None:
    held_out = splits.held_out_images(dataset).count()

    for checkpoint in run.checkpoints.all():
        assert checkpoint.metrics["n_real"] == held_out
        assert {"fid", "kid", "fid_interval", "kid_interval", "floor"} <= checkpoint.metrics.keys()
        assert checkpoint.metrics["memorisation"]["of"] == checkpoint.metrics["n_fake"] == 16
        assert checkpoint.grid
        assert checkpoint.neighbours
    assert run.facts["training"]["images"] == 40 - held_out
    assert run.facts["training"]["patients"] == 40 - held_out


def test_the_page_shows_both_distances_the_samples_and_whose_features_they_are_of(
    run: TrainingRun, client_of: Callable[[User], Client], researcher: User
) -> None:
    browser = client_of(researcher)

    page = browser.get(run.get_absolute_url()).content.decode()
    figure = browser.get(reverse("generation:course_figure", args=[run.pk]))
    table = browser.get(reverse("generation:course_table", args=[run.pk])).content.decode()

    assert "phantom-64" in page
    assert "do not compare" in page
    assert page.count("samples.png") == 2
    assert reverse("generation:course_figure", args=[run.pk]) in page
    assert figure["Content-Type"] == "image/svg+xml"
    assert b"<svg" in figure.content
    rows = {row["step"]: row for row in csv.DictReader(table.splitlines())}
    assert float(rows["6"]["fd"]) == run.checkpoints.get(step=6).metrics["fid"]
    assert rows["6"]["extractor"] == "phantom-64"
    assert rows["6"]["loss"]
    assert "FD (phantom-64) to held-out real images" in page.replace(
        "FD (phantom-64) and KD (phantom-64) to", "FD (phantom-64) to"
    )
    assert "FID" not in page + table


def test_a_runs_settings_are_a_file_that_the_form_takes_again(
    run: TrainingRun, client_of: Callable[[User], Client], researcher: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.models.enqueue", lambda *_, **__: None)
    browser = client_of(researcher)
    address = reverse("generation:training_config", args=[run.pk])
    file = browser.get(address).content
    on_the_command_line, curves = StringIO(), StringIO()

    call_command("train", "--config-of=run", stdout=on_the_command_line)
    call_command("train", "--curves=run", stdout=curves)
    wish = {"name": "again", "dataset": run.dataset_id, "preset": "paper-256", "settings": "seed = 9"}
    browser.post("/generation/training/new/", {**wish, "config_file": ContentFile(file, "run.toml")})
    damaged = browser.post(
        "/generation/training/new/", {**wish, "name": "no", "config_file": ContentFile(b"= 3", "bad.toml")}
    )

    assert on_the_command_line.getvalue() == file.decode()
    assert TrainingRun.objects.get(name="again").config == {**run.config, "seed": 9}
    assert damaged.status_code == 422
    assert "bad.toml cannot be read" in damaged.content.decode()
    assert curves.getvalue().startswith("step,loss,fd,kd")
    assert address in browser.get(run.get_absolute_url()).content.decode()


def test_a_model_card_states_data_split_curve_cost_and_version(
    run: TrainingRun, client_of: Callable[[User], Client], researcher: User
) -> None:
    checkpoint = run.checkpoints.get(step=6)
    browser = client_of(researcher)

    card = browser.get(reverse("generation:card", args=[checkpoint.pk])).content.decode()
    page = browser.get(checkpoint.get_absolute_url()).content.decode()

    for sentence in (
        *("CC BY 4.0", "Somebody 2026", "known patients", "hash of the patient", "| 6 |", "kWh, estimated"),
        *("Git commit", "Not meant for", checkpoint.sha256, "phantom-64", "Copies of training images"),
    ):
        assert sentence in card
    assert "Nearest training images" in page
    assert reverse("generation:grid", args=[checkpoint.pk]) in page


def test_a_shipped_model_has_a_card_that_says_what_is_not_known(
    client_of: Callable[[User], Client], researcher: User
) -> None:
    description: CheckpointJSON = {
        "format": "lungrater-diffusion-1",
        "step": 1,
        "config": {"steps": 1},
        "facts": {"trained_on": "drawings", "licence": "Apache-2.0", "intended_use": "Trials."},
    }
    shipped = Checkpoint.store("shipped", description, b"weights")
    shipped.give_to_maker(None)

    card = client_of(researcher).get(reverse("generation:card", args=[shipped.pk])).content.decode()

    assert "drawings" in card
    assert "Not measured" in card
    assert "Unknown." in card


def test_what_a_measured_checkpoint_makes_carries_its_numbers_for_the_analysis(run: TrainingRun) -> None:
    checkpoint = run.checkpoints.get(step=6)
    job = make_job(total=1, engine="diffusion", checkpoint=checkpoint, label="", settings={"steps": 2})

    job.perform()

    provenance = job.dataset.images.get().provenance
    assert provenance["fid"] == checkpoint.metrics["fid"]
    assert provenance["kid"] == checkpoint.metrics["kid"]
    assert provenance["fid_extractor"] == "phantom-64"


def test_an_extractor_that_is_not_there_stops_the_run_before_it_begins(
    dataset: Dataset, settings: Any
) -> None:
    settings.EXTRACTOR = "/nowhere/inception.pt"
    run = make_run(dataset)

    run.perform()

    assert run.state == "failed"
    assert "There is no extractor at /nowhere/inception.pt" in run.error
    assert run.done == 0


@pytest.mark.parametrize(("limit", "state"), [(0.24, "paused"), (0.25, "succeeded")])
def test_a_run_is_paused_where_more_samples_are_copies_than_it_allows(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch, limit: float, state: str
) -> None:
    """Four of the sixteen measured samples are training images, and the rest is noise."""
    noise = np.random.default_rng(1).integers(0, 256, (16, 16, 16), dtype=np.uint8)

    def samples(watch: Watch, learner: Trainer) -> NDArray[np.uint8]:
        training = np.load(watch.folder / TRAINING)
        return np.concatenate([training[:4], noise[4:]])

    monkeypatch.setattr(Watch, "samples", samples)
    run = make_run(dataset, most_copies=limit)

    run.perform()

    assert run.state == state, run.error
    assert run.checkpoints.get(step=3).metrics["memorisation"]["copies"] == 4
    if state == "paused":
        assert run.error.startswith("At step 3, 4 of 16 samples are copies of training images")
        assert run.done == 3


def test_only_the_newest_the_best_and_the_named_checkpoints_stay_where_so_many_are_asked_for(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    distances = {1: 5.0, 2: 1.0, 3: 7.0, 4: 6.0, 5: 8.0, 6: 4.0}

    def measured(_watch: Watch, learner: Trainer, step: int) -> dict[str, float]:
        if step == 2:  # the second is about to be stored, so the first is there
            Checkpoint.objects.get(step=1).rename("the first", by=None)
        return {"fid": distances[step]}

    monkeypatch.setattr(Watch, "__call__", measured)
    run = make_run(dataset, checkpoint_every=1, keep_best="fid", keep_stored=2)

    run.perform()

    assert run.state == "succeeded", run.error
    names = run.checkpoints.order_by("step").values_list("name", flat=True)
    assert list(names) == ["the first", "run@2", "run@5", "run@6"]


def test_the_loss_on_held_out_images_stands_on_card_figure_and_table(run: TrainingRun) -> None:
    last = run.checkpoints.get(step=6)
    loss = last.metrics["validation_loss"]

    rows = {row["step"]: row for row in csv.DictReader(table(run).splitlines())}
    curve = loss_curve(run)

    assert float(rows["6"]["validation_loss"]) == loss
    assert {step for step, row in rows.items() if row["validation_loss"]} == {"3", "6"}
    assert curve is not None
    assert [step for step, _ in curve.validation] == [3, 6]
    assert f"- **Loss on held-out images:** {loss:.5f}" in markdown(last)


def test_the_card_says_what_an_autoencoder_of_its_own_learned_from_and_how_well() -> None:
    config = tiny_config(latent="own", latent_widths=(8, 8), patch=1, latent_perceptual=1.0)
    description = {"step": 3, "config": config.as_json(), "facts": {}}
    metrics = {"reconstruction": {"psnr": 31.5, "ssim": 0.93, "images": 8}}

    card = markdown(Checkpoint(name="latent", step=3, description=description, metrics=metrics))

    assert "mean absolute error, 1e-06 of the divergence" in card
    assert "1.0 of the perceptual distance by the maps of phantom-64" in card
    assert "patch discriminator" not in card
    assert "PSNR 31.50 dB, SSIM 0.9300" in card
