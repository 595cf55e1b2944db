"""A run measured by several extractors: every number says whose it is, on page, card, file and images."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts.models import User
from generation.diffusion.event_file import numbers_of
from generation.diffusion.run import train
from generation.models import TrainingRun
from generation.training.exchange.pipeline_export import hub_card
from generation.training.fidelity_figure import table
from pool import splits
from pool.canonical.pixels import Pixels, fitted_square
from pool.models import Dataset
from tests.factories import make_dataset, make_image
from tests.generation.makers import make_run
from tests.generation.metrics.image_samples import GridExtractor

pytestmark = pytest.mark.django_db

RECIPE = 'name = "Coarse"\nlibrary = "torchscript"\nfile = "network.pt"\n'


class CoarseExtractor(GridExtractor):
    """The image at 4 × 4."""

    name, sha256, recipe_sha256, dimensions = "Coarse", "1" * 64, "2" * 64, 16

    def features(self, images: Iterable[Pixels], *, heartbeat: Callable[[], None] = lambda: None) -> Any:
        rows = [fitted_square(image, side=4).ravel() / 255 for image in images]
        return np.array(rows, dtype=np.float32).reshape(-1, 16)


@pytest.fixture
def dataset(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    settings.MODELS_DIR = tmp_path
    (tmp_path / "extractors").mkdir()
    (tmp_path / "extractors" / "coarse.toml").write_text(RECIPE)
    (tmp_path / "extractors" / "network.pt").write_bytes(b"weights")
    monkeypatch.setattr(splits, "ENOUGH_TO_SPLIT", 30)
    for module in ("generation.metrics.checkpoint_evaluator", "generation.training.checkpoint_evaluator"):
        monkeypatch.setattr(
            f"{module}.extractor", lambda spec: CoarseExtractor() if spec else GridExtractor()
        )
    # In this process, where the extractors above are.
    monkeypatch.setattr("generation.training.runner.train_apart", train_here)
    dataset = make_dataset("Chests")
    for number in range(40):
        make_image(dataset, label="normal", patient=f"patient {number}")
    return dataset


def train_here(config: Any, images: Any, folder: Path, **how: Any) -> Path:
    return train(config, images, folder, **how)


@pytest.fixture
def run(dataset: Dataset) -> TrainingRun:
    run = make_run(dataset, extractors=("coarse",), keep_best="fid:Coarse")
    run.perform()
    assert run.state == "succeeded", run.error
    return run


def further_fid(run: TrainingRun, step: int) -> float:
    return float(run.checkpoints.get(step=step).metrics["further"][0]["fid"])


def test_every_number_carries_its_extractor_on_page_in_file_and_card(
    run: TrainingRun, client_of: Callable[[User], Client], researcher: User
) -> None:
    browser, last = client_of(researcher), run.checkpoints.get(step=6)
    figure = reverse("generation:course_figure", args=[run.pk])

    page = browser.get(run.get_absolute_url()).content.decode()
    rows = {row["step"]: row for row in csv.DictReader(table(run).splitlines())}
    card = hub_card(last)

    for title in ("FD (grid)", "KD (grid)", "FD (Coarse)", "KD (Coarse)"):
        assert f'<th scope="col">{title}</th>' in page
        assert f"- **{title}:**" in card
    assert "| step | FD (Coarse) | KD (Coarse) |" in card
    assert f"| 3 | {further_fid(run, 3):.3f} |" in card
    assert float(rows["6"]["fd:Coarse"]) == further_fid(run, 6) != float(rows["6"]["fd"])
    assert (rows["6"]["extractor"], rows["6"]["extractor_sha256:Coarse"]) == ("grid", "1" * 64)
    drawings = [browser.get(f"{figure}?by={place}").content for place in (0, 1)]
    assert b"FD (grid)" in drawings[0]
    assert b"FD (Coarse)" in drawings[1]
    assert browser.get(f"{figure}?by=2").status_code == 404
    assert last.fidelity["fid_extractor"] == "grid"
    assert last.fidelity["further_distances"][0] == f"FD (Coarse) {further_fid(run, 6):.4g}"
    assert dict(numbers_of(last.metrics))["FD/Coarse"] == further_fid(run, 6)
    assert [facts["name"] for facts in run.facts["further_extractors"]] == ["Coarse"]


def test_the_best_checkpoint_is_the_best_by_the_extractor_that_was_named_and_says_so(
    run: TrainingRun, client_of: Callable[[User], Client], researcher: User, capsys: Any
) -> None:
    first, last = run.checkpoints.order_by("step")
    for checkpoint, coarse, grid in ((first, 1.0, 9.0), (last, 2.0, 8.0)):
        checkpoint.metrics["further"][0]["fid"] = coarse
        checkpoint.metrics["fid"] = grid
        checkpoint.save(update_fields=["metrics"])

    page = client_of(researcher).get(run.get_absolute_url()).content.decode()
    call_command("models", "prune", "run")

    sentence = "Best so far, by the lowest FD (Coarse): step 3."
    assert run.chosen_checkpoint == first
    assert sentence in page
    assert sentence in capsys.readouterr().out
    assert run.checkpoints.count() == 2  # the best, and the newest
    assert "- **Best of its run so far:** by the lowest FD (Coarse)" in hub_card(first)
    assert "Best of its run" not in hub_card(last)


def test_form_and_command_take_declared_extractors_alone(
    dataset: Dataset, client_of: Callable[[User], Client], researcher: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.models.enqueue", lambda *_, **__: None)
    wish = {"name": "by two", "dataset": dataset.pk, "extractors": ["coarse"]}
    browser = client_of(researcher)

    browser.post("/generation/training/new/", {**wish, "settings": 'keep_best = "kid:Coarse"'})
    other = browser.post(
        "/generation/training/new/", {**wish, "name": "no", "settings": 'keep_best = "fid:Fine"'}
    )

    config = TrainingRun.objects.get(name="by two").config
    assert (config["extractors"], config["keep_best"]) == (["coarse"], "kid:Coarse")
    assert "keep_best names Fine" in other.content.decode()
    with pytest.raises(CommandError, match="fine"):
        call_command("train", f"--dataset={dataset.name}", "--name=no", "--extractors", "fine")
    with pytest.raises(CommandError, match=r"no extractor 'fine'; declared are coarse"):
        call_command("train", f"--dataset={dataset.name}", "--name=no", "--set", 'extractors=["fine"]')
