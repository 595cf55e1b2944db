"""A training run reads the pool, leaves checkpoints that can be sampled, and goes on where it stopped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diffusers import AutoencoderKL
from django.test import Client
from matplotlib.colors import to_rgba

from generation.diffusion.config import ImageClass
from generation.diffusion.progress import Progress
from generation.models import Checkpoint, TrainingRun
from generation.training import runner
from generation.training.bundled_checkpoints import register_shipped
from generation.training.dataset_traits import classes_of
from generation.training.loss_figure import LossCurve, loss_by_step
from generation.training.runner import LONGEST_CURVE, thin_out
from jobs import throttle
from pool.canonical.pixels import fitted_square
from pool.figure_style import SCREEN
from pool.models import Dataset, Image
from pool.splits import training_images
from tests.factories import make_dataset, make_image, make_pixels
from tests.generation.makers import make_job, make_run

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def models_folder(tmp_path: Path, settings: Any) -> None:
    settings.MODELS_DIR = tmp_path


@pytest.fixture
def dataset() -> Dataset:
    dataset = make_dataset()
    for label in ("normal", "opacity", "normal", "opacity"):
        make_image(dataset, label=label)
    return dataset


def test_a_run_leaves_checkpoints_a_loss_curve_and_a_strip_of_samples(dataset: Dataset) -> None:
    run = make_run(dataset)

    run.perform()

    assert run.state == "succeeded"
    assert run.done == 6
    assert [c.name for c in run.checkpoints.order_by("step")] == ["run@3", "run@6"]
    assert run.curve[-1][0] == 6
    newest = Checkpoint.objects.newest_by_name("run")
    assert newest is not None
    assert newest.step == 6
    with newest.samples.open("rb") as strip:
        assert strip.read(4) == b"\x89PNG"


def test_what_a_run_learned_can_be_generated_by_finding(dataset: Dataset) -> None:
    run = make_run(dataset, classes=classes_of(dataset))
    run.perform()

    job = make_job(
        total=2,
        engine="diffusion",
        checkpoint=Checkpoint.objects.newest_by_name("run"),
        label="opacity",
        settings={"steps": 2},
    )
    job.perform()

    assert job.state == "succeeded"
    assert job.dataset.images.filter(label="opacity").count() == 2


def test_images_for_testing_and_images_left_out_are_not_trained_on(dataset: Dataset) -> None:
    included = make_image(dataset, label="normal")
    make_image(dataset, label="tested", split=Image.Split.TEST)
    Image.objects.filter(pk=make_image(dataset, label="blurred").pk).update(excluded_reason="blurred")

    labels = {image.label for image in training_images(dataset)}

    assert included in training_images(dataset)
    assert labels == {"normal", "opacity"}
    assert classes_of(dataset) == (ImageClass("xray", "normal"), ImageClass("xray", "opacity"))


def test_a_stopped_run_goes_on_from_its_last_checkpoint(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(dataset)
    keep = runner.RunRecorder._store

    def keep_then_cancel(teller: runner.RunRecorder, *args: object) -> None:
        keep(teller, *args)  # type: ignore[arg-type]  # passed through as they came
        TrainingRun.objects.get(pk=run.pk).request_cancel()

    with monkeypatch.context() as patched:
        patched.setattr(runner.RunRecorder, "_store", keep_then_cancel)
        run.perform()
    assert run.state == "cancelled"
    assert run.resume(enqueue=False)
    resumed = TrainingRun.objects.get(pk=run.pk)
    resumed.perform()

    assert resumed.state == "succeeded"
    assert [c.step for c in resumed.checkpoints.order_by("step")] == [3, 6]


def test_a_run_stopped_before_its_first_checkpoint_goes_on_from_there_and_says_so(
    dataset: Dataset, admin_client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = make_run(dataset, checkpoint_every=6)
    caplog.set_level("INFO")
    record = runner.RunRecorder._record_step

    def record_then_cancel(recorder: runner.RunRecorder, progress: Progress) -> None:
        record(recorder, progress)
        TrainingRun.objects.get(pk=run.pk).request_cancel()

    with monkeypatch.context() as patched:
        patched.setattr(runner.RunRecorder, "_record_step", record_then_cancel)
        patched.setattr(throttle, "SECONDS", 0.0)  # however fast the steps are, the second finds out
        run.perform()
    assert (run.state, run.checkpoints.count()) == ("cancelled", 0)
    page = admin_client.get(run.get_absolute_url()).content.decode()
    assert run.resume(enqueue=False)
    resumed = TrainingRun.objects.get(pk=run.pk)
    resumed.perform()

    assert resumed.state == "succeeded"
    assert "No checkpoint is there to generate from yet" in page
    assert "starts again" not in caplog.text


def test_a_dataset_without_images_fails_the_run_in_a_sentence() -> None:
    empty = make_dataset()
    run = make_run(empty)

    run.perform()

    assert run.state == "failed"
    assert run.error == f"{empty} has no images to train on."


def test_a_loss_that_is_no_number_fails_the_run_with_advice(dataset: Dataset) -> None:
    run = make_run(dataset, learning_rate=1e30, clip_gradient=1e30, steps=60, checkpoint_every=60)

    run.perform()

    assert run.state == "failed"
    assert "lower learning_rate" in run.error


@pytest.mark.parametrize("bits", [8, 16])
def test_images_are_cut_to_their_middle_square_and_fitted(bits: int) -> None:
    tall = make_pixels(side=32, bits=bits)[:, 8:20]

    image = fitted_square(tall, side=16)

    assert image.shape == (16, 16)
    assert image.dtype == np.uint8


def test_a_long_curve_is_thinned_and_keeps_its_end() -> None:
    curve: list[list[float]] = []
    for step in range(LONGEST_CURVE * 5):
        curve = thin_out([*curve, [step, 1.0]])

    assert len(curve) <= LONGEST_CURVE
    assert curve[-1][0] == LONGEST_CURVE * 5 - 1
    assert curve[0][0] == 0


def test_a_loss_curve_is_smoothed_from_its_first_value_and_needs_two_points() -> None:
    assert LossCurve.of([[1, 0.5]]) is None

    curve = LossCurve.of([[10, 1.0], [20, 0.2], [30, 0.2]])

    assert curve is not None
    assert curve.steps == [10, 20, 30]
    assert curve.smoothed == pytest.approx([1.0, 0.88, 0.778])
    assert (curve.lowest, curve.highest) == pytest.approx((0.778, 1.0))


def test_a_loss_figure_draws_every_step_in_the_themes_colours() -> None:
    curve = LossCurve.of([[10, 1.0], [20, 0.2], [30, 0.2]])
    assert curve is not None

    [axes] = loss_by_step(curve, SCREEN).axes

    values, smoothed = axes.lines
    assert np.asarray(values.get_ydata()).tolist() == curve.losses
    assert np.asarray(smoothed.get_xdata()).tolist() == curve.steps
    assert smoothed.get_color() == SCREEN.accent
    assert axes.get_facecolor() == to_rgba(SCREEN.ground)


def test_the_shipped_model_is_registered_once_and_knows_both_modalities() -> None:
    first, second = register_shipped(), register_shipped()

    assert [c.pk for c in first] == [c.pk for c in second]
    assert {str(kind) for kind in first[0].kinds} == {
        "xray/normal",
        "xray/opacity",
        "ct/normal",
        "ct/opacity",
    }


def test_a_run_works_in_the_latents_of_an_autoencoder_that_it_names(dataset: Dataset, tmp_path: Path) -> None:
    blocks = {"down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2}
    kl: Any = AutoencoderKL  # diffusers ships no types
    kl(block_out_channels=(8, 8), norm_num_groups=8, **blocks).save_pretrained(
        tmp_path / "autoencoders" / "kl"
    )
    run = make_run(dataset, latent="kl", latent_widths=(8, 8), patch=1)

    run.perform()

    assert run.state == "succeeded", run.error
    newest = Checkpoint.objects.newest_by_name("run")
    assert newest is not None
    assert newest.config.as_json()["latent"] == "kl"
    assert str(tmp_path) not in json.dumps(newest.description)
