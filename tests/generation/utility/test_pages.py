"""The pages of an experiment: queued by a form, followed, read, and a leak shown in images."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from generation.models import UtilityExperiment
from generation.utility.figures import FIGURES
from pool.canonical.previews import stored_pixels
from tests.factories import make_image
from tests.generation.utility.datasets import fake_dataset, make_experiment, real_dataset, reported_experiment

pytestmark = pytest.mark.django_db
OF_SOME = ("subgroups", "external")  # figures that not every report has


@pytest.fixture
def browser(researcher: User, client_of: Callable[[User], Client]) -> Client:
    return client_of(researcher)


def wish(**changes: Any) -> dict[str, Any]:
    return {"name": "Trial", "preset": "tiny", "seed": 0, **changes}


def test_an_experiment_is_queued_with_its_datasets(
    browser: Client, django_capture_on_commit_callbacks: Any
) -> None:
    real, fakes = real_dataset(), fake_dataset()

    with django_capture_on_commit_callbacks() as rung:
        answer = browser.post(
            reverse("generation:new_utility"),
            wish(real=real.pk, synthetic=[fakes.pk], labels="normal, nodule", seeds=3),
        )

    experiment = UtilityExperiment.objects.get()
    assert answer["Location"] == experiment.get_absolute_url()
    assert experiment.config["labels"] == ["normal", "nodule"]
    assert experiment.config["seeds"] == 3
    assert not experiment.config["colour"]
    assert len(rung) == 1


def test_a_chain_is_queued_as_a_run_an_empty_dataset_and_the_experiment(
    browser: Client, django_capture_on_commit_callbacks: Any
) -> None:
    real = real_dataset(modality="microscopy")

    with django_capture_on_commit_callbacks() as rung:
        browser.post(
            reverse("generation:new_utility"),
            wish(real=real.pk, generator="tiny", per_class=5, preset="blood-smear"),
        )

    experiment = UtilityExperiment.objects.get()
    assert experiment.training.config["channels"] == 3
    assert [kind["label"] for kind in experiment.training.config["classes"]] == ["nodule", "normal"]
    assert str(experiment.synthetic.get()) == "Trial: synthetic"
    assert experiment.config["colour"]
    assert len(rung) == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"split": ""}, "has no test split. Nothing is held out"),
        ({"label": "nodule"}, "The test images have fewer than two labels"),
        ({"split": "test"}, "There are no training images of “nodule”, “normal”."),
    ],
)
def test_labels_that_make_no_experiment_are_refused_in_the_form(
    browser: Client, changes: dict[str, str], sentence: str
) -> None:
    real, fakes = real_dataset(), fake_dataset()
    real.images.update(**changes)

    answer = browser.post(reverse("generation:new_utility"), wish(real=real.pk, synthetic=[fakes.pk]))

    assert sentence in html.unescape(answer.content.decode())
    assert not UtilityExperiment.objects.exists()


def test_a_chain_is_not_asked_for_the_images_it_is_to_make(browser: Client) -> None:
    real = real_dataset()

    browser.post(reverse("generation:new_utility"), wish(real=real.pk, generator="tiny", per_class=5))

    assert UtilityExperiment.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "Choose synthetic images, or have a model trained for them."),
        ({"generator": "tiny"}, "Say how many images the model is to make"),
        ({"synthetic": "fakes", "labels": "normal"}, "name at least two labels"),
        ({"synthetic": "fakes", "name": "Reported"}, "There is an experiment"),
    ],
)
def test_a_wish_that_cannot_be_is_told_and_loses_nothing(
    browser: Client, changes: dict[str, Any], said: str
) -> None:
    reported_experiment()
    real, fakes = real_dataset(patients=6), fake_dataset(images=2)
    given = {**changes, **({"synthetic": [fakes.pk]} if "synthetic" in changes else {})}

    answer = browser.post(reverse("generation:new_utility"), wish(real=real.pk, **given))

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert UtilityExperiment.objects.count() == 1


def test_the_report_shows_the_gap_first_and_what_it_does_not_show_last(browser: Client) -> None:
    experiment = reported_experiment()

    page = browser.get(experiment.get_absolute_url()).content.decode()

    gap = page.index("Synthetic instead of real: −37.5 (")
    scores, caveats = (
        page.index("Balanced accuracy by what was trained on"),
        page.index("What this does not show"),
    )
    assert gap < scores < caveats
    assert "8 test patients give wide intervals" in page
    assert "real-only-tiny-resnet-seed0" in page


@pytest.mark.parametrize("name", [name for name in FIGURES if name not in OF_SOME])
def test_every_figure_is_drawn_and_can_be_downloaded(browser: Client, name: str) -> None:
    experiment = reported_experiment()

    shown = browser.get(reverse("generation:utility_figure", args=[experiment.pk, name, "svg"]))
    saved = browser.get(reverse("generation:utility_figure", args=[experiment.pk, name, "png"]) + "?download")

    assert b"<svg" in shown.content
    assert saved.content.startswith(b"\x89PNG")
    assert f'filename="{name}.png"' in saved["Content-Disposition"]


@pytest.mark.parametrize("name", OF_SOME)
def test_a_report_without_subgroups_or_external_test_has_no_figure_of_them(
    browser: Client, name: str
) -> None:
    address = reverse("generation:utility_figure", args=[reported_experiment().pk, name, "svg"])

    assert browser.get(address).status_code == 404


def test_a_refused_experiment_shows_the_copies(browser: Client) -> None:
    real, fakes = real_dataset(), fake_dataset()
    tested = real.images.filter(split="test")[0]
    copied = make_image(fakes, pixels=stored_pixels(tested), label=tested.label)
    experiment = make_experiment(real, fakes)
    experiment.perform()

    page = browser.get(experiment.get_absolute_url()).content.decode()

    assert "is a copy or nearly a copy of a test image" in page
    assert reverse("pool:thumbnail", args=[copied.pk]) in page
    assert reverse("pool:thumbnail", args=[tested.pk]) in page


def test_the_part_that_moves_asks_for_the_whole_page_at_the_end(browser: Client) -> None:
    moving, over = make_experiment(), reported_experiment()

    first, second = (
        browser.get(reverse("generation:utility_progress", args=[one.pk])) for one in (moving, over)
    )

    assert "Waiting for a worker" in first.content.decode()
    assert "HX-Refresh" not in first
    assert second["HX-Refresh"] == "true"


def test_a_stopped_experiment_can_go_on(browser: Client) -> None:
    experiment = make_experiment()

    browser.post(reverse("generation:utility_cancel", args=[experiment.pk]))
    experiment.refresh_from_db()
    assert experiment.state == "cancelled"
    browser.post(reverse("generation:utility_resume", args=[experiment.pk]))

    experiment.refresh_from_db()
    assert experiment.state == "queued"


def test_the_list_asks_no_more_for_many_than_for_one(browser: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            browser.get(reverse("generation:utility_list"))
        return len(asked)

    make_experiment(name="Trial 0")
    queries()  # the first look fills caches
    one = queries()
    for number in range(1, 4):
        make_experiment(name=f"Trial {number}")

    assert queries() == one
