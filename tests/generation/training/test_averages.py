"""A run's last checkpoint with an average of another length is a checkpoint of its own, measured like the others."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import torch
from django.core.management import CommandError, call_command
from safetensors.torch import load, load_file

from generation.diffusion import power_averages
from generation.diffusion.power_averages import Reconstruction
from generation.models import Checkpoint, TrainingRun
from generation.training.duration import estimate
from generation.training.model_card import markdown
from generation.training.run_history import Course
from pool import splits
from tests.factories import make_dataset, make_image
from tests.generation.makers import make_job, make_run
from tests.generation.tiny import CLASSES, tiny_config

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> TrainingRun:
    settings.MODELS_DIR = tmp_path
    monkeypatch.setattr(splits, "ENOUGH_TO_SPLIT", 30)
    dataset = make_dataset("Chests")
    for number in range(40):
        label = CLASSES[number % 2].label
        make_image(dataset, label=label, patient=f"patient {number}")
    run = make_run(dataset, classes=CLASSES, post_hoc_ema=True)
    run.perform()
    assert run.state == "succeeded", run.error
    return run


def averaged(*words: str) -> dict[str, Any]:
    out = StringIO()
    call_command("models", "average", *words, "--json", stdout=out)
    report: dict[str, Any] = json.loads(out.getvalue())
    return report


def test_an_average_of_a_kept_length_has_the_weights_that_were_kept(run: TrainingRun) -> None:
    report = averaged("run", "--ema=0.1")

    checkpoint = Checkpoint.objects.get(name="run@6-ema0.1")
    kept = load_file(run.folder / "averages" / "00000006.safetensors")
    assert report["model"] == checkpoint.name
    assert report["metrics"] == checkpoint.metrics
    for name, weight in load(checkpoint.source().read_weights()).items():
        torch.testing.assert_close(weight, kept[f"average1.{name}"].float(), rtol=1e-4, atol=1e-5)
    assert "Length of the average:** σ_rel 0.1" in markdown(checkpoint)
    assert Checkpoint.objects.newest_by_name("run") == run.checkpoints.in_training().last()
    assert [row.ema_length for row in run.checkpoints.order_by("step", "ema_length")] == [0, 0, 0.1]
    assert [point.step for point in Course.of(run).points] == [3, 6]
    assert not list(run.folder.glob("ema-*"))


def test_it_is_sampled_and_measured_as_the_runs_own_checkpoints_are(
    run: TrainingRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the very weights of the run's last checkpoint its numbers and samples are that one's."""
    newest = run.checkpoints.in_training().last()
    assert newest is not None
    same = Reconstruction(load(newest.source().read_weights()), files=1, error=0.0)
    monkeypatch.setattr(power_averages, "reconstruct", lambda *_: same)

    averaged("run", "--ema=0.08")

    checkpoint = Checkpoint.objects.get(name="run@6-ema0.08")
    assert checkpoint.sha256 == newest.sha256
    assert checkpoint.metrics == newest.metrics
    for name in ("samples", "grid", "neighbours"):
        assert getattr(checkpoint, name).read() == getattr(newest, name).read()


def test_images_are_made_with_it_and_the_same_again_is_the_same_checkpoint(run: TrainingRun) -> None:
    averaged("run", "--ema=0.07")
    averaged("run", "--ema=0.07")
    checkpoint = Checkpoint.objects.get(name="run@6-ema0.07")

    job = make_job(total=1, engine="diffusion", checkpoint=checkpoint, label="normal", settings={"steps": 2})
    job.perform()

    assert job.state == "succeeded"
    assert job.dataset.images.get().provenance["model"] == "run@6-ema0.07"


def test_a_renamed_average_is_not_made_again(run: TrainingRun) -> None:
    averaged("run", "--ema=0.1")
    Checkpoint.objects.get(name="run@6-ema0.1").rename("Best", by=None)

    report = averaged("run", "--ema=0.1")

    assert report["model"] == "Best"
    assert run.checkpoints.count() == 3


def test_a_run_without_averages_and_an_odd_length_are_refused_in_a_sentence(run: TrainingRun) -> None:
    make_run(run.dataset, "plain").perform()

    with pytest.raises(CommandError, match="post_hoc_ema = true"):
        averaged("plain", "--ema=0.08")
    with pytest.raises(CommandError, match=r"from 0\.01 to 0\.25"):
        averaged("run", "--ema=nan")
    with pytest.raises(CommandError, match="no run"):
        averaged("nothing", "--ema=0.08")


def test_form_and_command_say_what_averages_cost() -> None:
    words = "kept of 2 checkpoints, 4 bytes for each weight"

    assert words in estimate(tiny_config(post_hoc_ema=True)).sentence
    assert words not in estimate(tiny_config()).sentence
