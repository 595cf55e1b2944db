"""Synthetic first, then real; and both together: in as many steps on its images as real only has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from django.test import Client
from django.urls import reverse

from accounts.models import User
from generation.classifiers import fitting
from generation.classifiers.classifier import load
from generation.utility import runner
from generation.utility.arms import ALL_OF_BOTH, FINE_TUNED, REAL, SYNTHETIC
from tests.generation.utility.datasets import fake_dataset, make_experiment, real_dataset

pytestmark = pytest.mark.django_db
STEPS, BATCH = 3, 8


def test_every_arm_makes_the_steps_that_it_says_on_the_images_that_it_says(
    tmp_path: Path,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    researcher: User,
    client_of: Callable[[User], Client],
) -> None:
    settings.MODELS_DIR = tmp_path
    real, fakes = real_dataset(patients=60), fake_dataset(images=20)
    for place, image in enumerate(real.images.filter(split="test")):
        image.provenance = {"sex": "FM"[place // 2 % 2]}
        image.save()
    experiment = make_experiment(
        real,
        fakes,
        explained=0,
        steps=STEPS,
        batch=BATCH,
        ratios=[],
        shares=[],
        further_arms=["pretrained", "all"],
    )
    steps: Counter[str] = Counter()
    images: dict[str, list[tuple[int, bool]]] = {}
    arm = [""]
    optimiser_step, draw, trained = (
        torch.optim.AdamW.step,
        fitting.Labelled.balanced_rows,
        runner.Work._trained,
    )
    synthetic_squares: list[Any] = []

    def counted_step(optimiser: Any, *args: Any, **kwargs: Any) -> Any:
        steps[arm[0]] += 1
        return optimiser_step(optimiser, *args, **kwargs)

    def noted_draw(lessons: fitting.Labelled, count: int, generator: Any) -> Any:
        rows = draw(lessons, count, generator)
        fake_images = {square.tobytes() for square in synthetic_squares[0]}
        share = sum(lessons.squares[row].tobytes() in fake_images for row in rows)
        images.setdefault(arm[0], []).append((count, bool(share)))
        return rows

    def noted_arm(work: runner.Work, plan: runner.Plan) -> Any:
        arm[0] = plan.arm.name
        synthetic_squares[:] = [work.synthetic.squares]
        return trained(work, plan)

    monkeypatch.setattr(torch.optim.AdamW, "step", counted_step)
    monkeypatch.setattr(fitting.Labelled, "balanced_rows", noted_draw)
    monkeypatch.setattr(runner.Work, "_trained", noted_arm)
    experiment.perform()

    assert experiment.state == "succeeded", experiment.error
    assert steps == {REAL: STEPS, SYNTHETIC: STEPS, FINE_TUNED: 2 * STEPS, ALL_OF_BOTH: STEPS}
    drawn = {name: [is_fake for _, is_fake in batches] for name, batches in images.items()}
    assert drawn[FINE_TUNED][:STEPS] == [True] * STEPS
    assert not any(drawn[FINE_TUNED][STEPS:])
    assert not any(drawn[REAL])
    by_arm = {row.arm: row for row in experiment.results.arms}
    assert {name: row.budget.images_seen for name, row in by_arm.items() if row.budget} == {
        name: number * BATCH for name, number in steps.items()
    }
    assert (by_arm[ALL_OF_BOTH].real, by_arm[ALL_OF_BOTH].synthetic) == (40, 20)
    facts = load(
        experiment.folder / experiment.results.models[f"{FINE_TUNED}, tiny-resnet"]
    ).description.facts
    assert (facts["steps_before"], facts["steps"], facts["batch"]) == (STEPS, STEPS, BATCH)

    pages = client_of(researcher)
    real.give_to_maker(researcher)
    fakes.give_to_maker(researcher)
    text = pages.get(experiment.get_absolute_url()).content.decode()
    figure = pages.get(reverse("generation:utility_figure", args=[experiment.pk, "subgroups", "svg"]))

    assert "By subgroup" in text
    assert "3 then 3" in text
    assert figure.status_code == 200
    assert {row.attribute for row in experiment.results.subgroups} == {"sex"}
    assert all(row.gap.estimate is not None and row.worst for row in experiment.results.subgroups)
