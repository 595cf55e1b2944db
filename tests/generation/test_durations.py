"""How long training and utility take is said by what was measured here, and not at all where nothing was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts.models import User
from generation.diffusion.config import TrainingConfig
from generation.management.commands import train
from generation.models import TrainingRun, UtilityExperiment, UtilityFit
from generation.training.duration import estimate
from generation.utility.arms import FINE_TUNED, REAL, SYNTHETIC
from generation.utility.config import UtilityConfig
from generation.utility.duration import MeasuredFit, duration, seconds_to_go
from tests.api.callers import caller, post
from tests.factories import make_image
from tests.generation.makers import make_run
from tests.generation.tiny import tiny_config
from tests.generation.utility.datasets import fake_dataset, make_experiment, real_dataset


def config_of(**settings: Any) -> UtilityConfig:
    return UtilityConfig.from_mapping(
        {"architectures": ["resnet18", "densenet121"], "steps": 10, "batch": 4, "size": 64, **settings}
    )


def test_the_time_of_an_experiment_is_that_of_its_steps_at_the_measured_pace() -> None:
    measured = config_of()
    fits = [
        *(MeasuredFit(REAL, "resnet18", measured, seconds) for seconds in (4.0, 5.0, 600.0)),
        MeasuredFit(FINE_TUNED, "densenet121", measured, 20.0),  # in twice the steps
    ]

    planned = config_of(steps=30, size=128, seeds=2)
    time = duration(planned, [REAL, SYNTHETIC, FINE_TUNED], fits)

    # Three times the steps of four times the pixels, in an arm of two turns and two of one, with two seeds.
    assert time.seconds == pytest.approx(2 * 4 * 3 * 4 * (5.0 + 10.0))
    assert time.sentence.startswith("About 24 minutes for 12 classifiers, by the last 4 of these networks")
    never = duration(planned, [REAL], fits[:3])
    assert never.seconds is None
    assert "no classifier of densenet121 was measured here yet" in never.sentence


def test_the_time_to_go_is_by_the_runs_own_classifiers_once_each_network_was_trained() -> None:
    config = config_of(seeds=1, further_arms=["pretrained"])  # “synthetic, then real” counts twice

    first = seconds_to_go(config, 6, [(REAL, "resnet18", 7.0)])
    later = seconds_to_go(config, 6, [(REAL, "resnet18", 7.0), (REAL, "densenet121", 9.0)])

    assert first is None
    assert later == pytest.approx(3 * 7.0 + 3 * 9.0)


@pytest.mark.django_db
def test_the_form_says_how_long_by_what_was_measured_and_queues_nothing(
    researcher: User, client_of: Callable[[User], Client]
) -> None:
    real, fakes = real_dataset(), fake_dataset()
    wish = {"name": "Trial", "preset": "tiny", "seed": 0, "real": real.pk, "synthetic": [fakes.pk]}
    wish |= {"architectures": ["tiny-resnet"], "seeds": 1, "duration": 1}
    pages, address = client_of(researcher), reverse("generation:new_utility")

    before = pages.post(address, wish)
    earlier = make_experiment(real, fakes, name="Earlier", steps=40)
    earlier.fits.create(
        arm=REAL, architecture="tiny-resnet", seed=0, real=1, synthetic=0, probabilities=[], seconds=60
    )
    after = pages.post(address, wish)

    assert "no classifier of tiny-resnet was measured here yet" in before.content.decode()
    assert "About 4 minutes for 4 classifiers" in after.content.decode()
    assert "can be said once the form is filled" in pages.post(address, {"duration": 1}).content.decode()
    assert UtilityExperiment.objects.get() == earlier
    assert UtilityFit.objects.count() == 1


@pytest.mark.django_db
def test_a_program_is_told_the_seconds_and_refused_with_the_forms_sentences(researcher: User) -> None:
    dataset = make_image().dataset
    program, at = caller(researcher, "read"), "/api/v1/training-runs/duration"
    wish = {"name": "New", "dataset": dataset.pk, "preset": "tiny", "size": 16, "steps": 900, "batch": 4}

    before = post(program, at, wish)
    run = TrainingRun.objects.create(
        name="Earlier",
        dataset=dataset,
        total=1,
        config=TrainingConfig.from_mapping({"preset": "tiny", "size": 16, "batch": 4}).as_json(),
        images_per_second=2.0,
    )
    after = post(program, at, wish)
    refused = post(program, at, wish | {"name": run.name, "steps": 0})
    experiment = post(program, "/api/v1/utility-experiments/duration", {"name": "Trial", "preset": "tiny"})

    assert before.json()["seconds"] is None
    assert "was measured here yet" in before.json()["sentence"]
    assert after.json()["seconds"] == 900 * 4 / 2
    assert after.json()["sentence"].startswith("About 30 minutes for 900 steps")
    for answer, fields in ((refused, {"name", "steps"}), (experiment, {"real"})):
        assert answer.status_code == 422
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["errors"].keys() >= fields
    assert TrainingRun.objects.get() == run


@pytest.mark.django_db
def test_an_experiment_with_its_model_takes_as_long_as_both(researcher: User) -> None:
    real, fakes = real_dataset(), fake_dataset()
    earlier = make_experiment(real, fakes, name="Earlier", steps=40)
    earlier.fits.create(
        arm=REAL, architecture="tiny-resnet", seed=0, real=1, synthetic=0, probabilities=[], seconds=60
    )
    program, at = caller(researcher, "read"), "/api/v1/utility-experiments/duration"
    wish = {"name": "Trial", "preset": "tiny", "real": real.pk, "architectures": ["tiny-resnet"], "seeds": 1}

    alone = post(program, at, wish | {"synthetic": [fakes.pk]})
    chained = post(program, at, wish | {"generator": "tiny", "per_class": 5})

    assert alone.json()["seconds"] == pytest.approx(4 * 60)
    assert chained.json()["seconds"] is None
    assert "The model first: How long it takes is not known" in chained.json()["sentence"]


@pytest.mark.django_db
def test_a_training_run_is_timed_by_the_newest_of_the_same_network_and_size(
    researcher: User,
    client_of: Callable[[User], Client],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    dataset = make_image().dataset
    paces = {"older": 4.0, "newer": 2.0, "other batch": 90.0, "larger": 50.0}
    for name, pace in paces.items():
        run = make_run(
            dataset, name, batch=5 if name == "other batch" else 4, size=32 if name == "larger" else 16
        )
        TrainingRun.objects.filter(pk=run.pk).update(images_per_second=pace)
    planned = tiny_config(size=16, batch=4, steps=900)
    monkeypatch.setattr(train, "perform_with_bar", lambda *_, **__: None)

    page = client_of(researcher).post(
        reverse("generation:train"), {"name": "New", "dataset": dataset.pk, "preset": "tiny", "duration": 1}
    )
    with pytest.raises(CommandError):
        call_command("train", "--dataset", str(dataset), "--name", "By command", "--steps", "1")

    # 900 steps of 4 images, 2 a second.
    assert estimate(planned).sentence.startswith(
        "About 30 minutes for 900 steps of 4 images, at the 2 images"
    )
    unknown = "no run of this network at this size was measured here yet"
    assert unknown in page.content.decode()
    assert unknown in capsys.readouterr().err
    assert not TrainingRun.objects.filter(name="New").exists()
