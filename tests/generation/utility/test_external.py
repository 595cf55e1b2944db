"""The external test set: tested on by every arm, trained on by none, guarded like the test split, and in every result."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts.models import User
from generation.classifiers import fitting
from generation.models import UtilityExperiment
from generation.utility.external import seed_outside
from generation.utility.report import Fitted, HeldOut, Measured, in_words
from pool.canonical.previews import squares, stored_pixels
from pool.models import Dataset
from tests.factories import make_dataset, make_image
from tests.generation.makers import make_checkpoint, make_job, make_run
from tests.generation.utility.datasets import LABELS, chests, fake_dataset, make_experiment, real_dataset

pytestmark = pytest.mark.django_db


SMALL: dict[str, Any] = {"size": 32, "steps": 2, "batch": 8, "ratios": [], "shares": []}


@pytest.fixture(autouse=True)
def models_folder(tmp_path: Path, settings: Any) -> None:
    settings.MODELS_DIR = tmp_path


def elsewhere(*, images: int = 12, labels: tuple[str, ...] = LABELS, **fields: Any) -> Dataset:
    """Images of another site, one a patient."""
    dataset = make_dataset(**fields)
    for place, chest in enumerate(chests(images, seed=90)):
        make_image(dataset, pixels=chest, label=labels[place % len(labels)], patient=f"far-{place}")
    return dataset


def with_external(real: Dataset, external: Dataset, *fakes: Dataset, **config: Any) -> UtilityExperiment:
    experiment = make_experiment(real, *fakes, explained=0, **config)
    experiment.external = external
    experiment.save()
    return experiment


def test_no_external_image_is_ever_in_a_batch_and_its_numbers_are_those_of_the_same_functions(
    monkeypatch: pytest.MonkeyPatch, researcher: User, client_of: Callable[[User], Client]
) -> None:
    real, external, fakes = real_dataset(), elsewhere(name="+Far"), fake_dataset()
    experiment = with_external(real, external, fakes, seeds=2, **SMALL, further_arms=["pretrained"])
    drawn: set[bytes] = set()
    draw = fitting.Labelled.balanced_rows

    def noted_draw(lessons: fitting.Labelled, count: int, generator: Any) -> Any:
        rows = draw(lessons, count, generator)
        drawn.update(lessons.squares[row].tobytes() for row in rows)
        return rows

    monkeypatch.setattr(fitting.Labelled, "balanced_rows", noted_draw)

    experiment.perform()

    assert experiment.state == "succeeded", experiment.error
    images = list(external.images.order_by("pixel_sha256"))
    seen = {
        square.tobytes()
        for square in squares(images, side=experiment.parsed_config.size, colour=False, pulse=lambda: None)
    }
    assert len(seen) == 12
    assert len(drawn) > 12
    assert not drawn & seen

    results, outside = experiment.results, experiment.results.external
    assert outside is not None
    assert len(results.arms) == len(outside.arms) == 3
    assert (outside.test_images, outside.images) == (12, {"nodule": 6, "normal": 6})
    inside, again = (
        _measured(experiment, field, tested, seed=seed)
        for field, tested, seed in (
            ("probabilities", list(real.images.filter(split="test").order_by("pixel_sha256")), 0),
            ("external_probabilities", images, seed_outside(0)),
        )
    )
    assert outside.arms == again.report().arms
    assert outside.gaps == again.report().gaps
    for fall, key in zip(outside.falls, inside.values, strict=True):
        mine, other = inside.values[key]["auc"], again.values[key]["auc"]
        means = [
            float(np.mean((mine - other)[row, 1 + place])) for place, row in enumerate(inside.draw.seeds)
        ]
        assert fall.scores["auc"].estimate == pytest.approx(float((mine - other)[:, 0].mean()))
        if fall.scores["auc"].ci:
            assert fall.scores["auc"].ci == pytest.approx(tuple(np.nanquantile(means, [0.025, 0.975])))

    pages = client_of(researcher)
    page = html.unescape(pages.get(experiment.get_absolute_url()).content.decode())
    assert "On the external test set +Far" in page
    assert in_words(outside.arms[0].scores["auc"]) in page
    figure = reverse("generation:utility_figure", args=[experiment.pk, "external", "svg"])
    assert pages.get(figure).status_code == 200
    answer = pages.get(reverse("generation:utility_csv", args=[experiment.pk]))
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    [row] = [
        row
        for row in rows
        if (row["test"], row["trained_on"], row["of"], row["score"])
        == ("external", "real only", "all", "auc")
    ]
    assert row["dataset"] == "'+Far"
    assert float(row["estimate"]) == outside.arms[0].scores["auc"].estimate
    assert {row["test"] for row in rows} == {"test split", "external", "test split less external"}
    report = pages.get(reverse("generation:utility_json", args=[experiment.pk])).json()
    assert (
        report["external"]["arms"][0]["scores"]["auc"]["estimate"] == outside.arms[0].scores["auc"].estimate
    )


def _measured(experiment: UtilityExperiment, field: str, images: list[Any], *, seed: int) -> Measured:
    """The experiment's stored answers, scored anew from the rows."""
    fits = list(experiment.fits.all())
    fitted = [
        Fitted(
            arm.arm,
            arm.architecture,
            arm.real,
            arm.synthetic,
            np.array([getattr(fit, field) for fit in fits if fit.arm == arm.arm]),
            arm.budget,
        )
        for arm in experiment.results.arms
    ]
    classes = ("nodule", "normal")
    truth = np.array([classes.index(image.label) for image in images])
    held_out = HeldOut(truth, [image.patient_key for image in images], classes)
    return Measured.of(fitted, held_out, resamples=200, seed=seed)


def test_a_mirrored_external_image_among_the_synthetic_ones_is_refused_or_left_out_when_asked() -> None:
    real, external, fakes = real_dataset(), elsewhere(), fake_dataset()
    copied = external.images.all()[0]
    mirrored = np.ascontiguousarray(stored_pixels(copied)[:, ::-1]).astype(np.uint8)
    make_image(fakes, pixels=mirrored, label=copied.label)

    refused = with_external(real, external, fakes)
    refused.perform()
    cleaned = with_external(real, external, fakes, name="Cleaned", without_copies=True, **SMALL)
    cleaned.perform()

    assert refused.state == "failed"
    assert "is a copy or nearly a copy of an image of the external test set, 1 of them" in refused.error
    assert cleaned.state == "succeeded", cleaned.error
    assert cleaned.report["images"]["synthetic"] == {"nodule": 8, "normal": 8}


def test_a_patient_trained_on_and_a_generator_that_has_seen_the_external_set_are_refused(
    tmp_path: Path,
) -> None:
    real, external, fakes = real_dataset(), elsewhere(), fake_dataset()
    external.images.filter(pk=external.images.all()[0].pk).update(
        patient_key=real.images.filter(split="train")[0].patient_key
    )
    run, checkpoint = make_run(external), make_checkpoint(tmp_path)
    checkpoint.run = run
    checkpoint.save()
    make_job(dataset=fakes, engine="diffusion", checkpoint=checkpoint)
    run.images.set(external.images.all()[1:4])
    experiment = with_external(real, external, fakes)

    experiment.perform()

    assert "1 patient with images in training and in the external test set." in experiment.error
    assert "3 external test images are of what the generator was trained on" in experiment.error


@pytest.mark.parametrize(
    ("fields", "labels", "findings", "sentence"),
    [
        ({}, ("normal",), "", "There are no external test images of “nodule”."),
        ({}, (*LABELS, "cyst"), "", "The external test set has images of “cyst”, which are not told apart"),
        ({}, (*LABELS, "cyst"), "normal, nodule", ""),
        ({"modality": "ct"}, LABELS, "", "Choose images of the same kind"),
    ],
)
def test_an_external_set_of_other_classes_or_kind_is_refused_in_the_form(
    researcher: User,
    client_of: Callable[[User], Client],
    fields: dict[str, Any],
    labels: tuple[str, ...],
    findings: str,
    sentence: str,
) -> None:
    datasets = real_dataset(), elsewhere(labels=labels, **fields), fake_dataset()
    real, external, fakes = (dataset.pk for dataset in datasets)
    wish = {"name": "Trial", "preset": "tiny", "seed": 0, "real": real, "synthetic": [fakes]}

    pages = client_of(researcher)
    answer = pages.post(reverse("generation:new_utility"), {**wish, "external": external, "labels": findings})
    same = pages.post(reverse("generation:new_utility"), {**wish, "name": "Same", "external": real})

    assert "Choose another dataset than the real images" in same.content.decode()
    if sentence:
        assert sentence in html.unescape(answer.content.decode())
        assert not UtilityExperiment.objects.exists()
    else:
        assert UtilityExperiment.objects.get().external_id == external


def test_the_command_names_it_and_whoever_does_not_see_it_does_not_see_the_experiment(
    capsys: pytest.CaptureFixture[str], researcher: User
) -> None:
    external = elsewhere(name="E")
    real_dataset(name="R")
    fake_dataset()
    Dataset.objects.filter(origin="synthetic").update(name="S")
    external.memberships.all().delete()
    names = ["--real", "R", "--synthetic", "S", "--external", "E", "--architectures", "tiny-resnet"]
    small = ["--size", "32", "--batch", "8", "--ratios", "", "--shares", ""]

    call_command("utility", *names, "--seeds", "1", "--steps", "2", *small)
    with pytest.raises(CommandError, match="--external: Choose another dataset"):
        call_command("utility", *names[:4], "--external", "R")

    printed = capsys.readouterr().out
    assert "on 12 images of the external test set E of 12 patients" in printed
    assert "test split less external set, balanced accuracy" in printed
    assert not UtilityExperiment.objects.visible_to(researcher).exists()
    external.give_to_maker(researcher)
    assert UtilityExperiment.objects.visible_to(researcher).count() == 1
