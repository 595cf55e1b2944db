"""Mending what is said of datasets and images: what changes, what stays, what is kept of before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.membership.models import Part
from accounts.models import User
from audit.models import Event
from pool.corrections.correcting import correct, take_back
from pool.models import Correction, Dataset, Image
from tests.factories import make_dataset, make_image
from tests.rating.cast import draft_study, open_study

pytestmark = pytest.mark.django_db

ClientOf = Callable[[User], Client]


@pytest.fixture
def browser(client_of: ClientOf, researcher: User) -> Client:
    return client_of(researcher)


@pytest.fixture
def dataset() -> Dataset:
    dataset = make_dataset(name="Chests")
    for label in ("Normal", "Normal", "Pneumnia"):
        make_image(dataset, label=label)
    return dataset


def labels() -> list[str]:
    return sorted(Image.objects.values_list("label", flat=True))


def post(browser: Client, query: str = "", **fields: Any) -> Any:
    form = {"scope": "all", "field": "label", "value": "Pneumonia", "reason": "A misspelling.", **fields}
    return browser.post(reverse("pool:correct_images") + query, form, follow=True)


def test_all_images_that_the_filter_lists_get_the_finding_and_no_others(
    browser: Client, dataset: Dataset
) -> None:
    page = post(browser, "?label=Pneumnia")

    assert labels() == ["Normal", "Normal", "Pneumonia"]
    assert "1 image changed." in page.content.decode()
    event = Event.objects.about(dataset).get(action="corrected images")
    assert (event.reason, event.detail["images"], event.detail["value"]) == ("A misspelling.", 1, "Pneumonia")


def test_ticked_images_alone_are_corrected_and_none_ticked_is_a_sentence(
    browser: Client, dataset: Dataset
) -> None:
    ticked = Image.objects.filter(label="Normal").first()
    assert ticked is not None

    nothing = post(browser, scope="ticked")
    post(browser, scope="ticked", images=[ticked.pk], field="split", value="test")

    assert nothing.status_code == 422
    assert "Tick at least one image" in nothing.content.decode()
    assert list(Image.objects.exclude(split="").values_list("pk", "split")) == [(ticked.pk, "test")]


def test_a_split_of_another_name_is_refused(browser: Client, dataset: Dataset) -> None:
    page = post(browser, field="split", value="validation")

    assert page.status_code == 422
    assert not Correction.objects.exists()


def test_a_correction_is_taken_back_but_not_over_a_later_one(researcher: User, dataset: Dataset) -> None:
    first = correct(dataset.images.all(), "label", "Effusion", by=researcher, reason="Read again.").correction
    later = dataset.images.order_by("pk")[:1]
    correct(
        dataset.images.filter(pk__in=later.values("pk")),
        "label",
        "Oedema",
        by=researcher,
        reason="And again.",
    )
    assert first is not None

    restored = take_back(first, by=researcher)

    assert restored == 2
    assert labels().count("Oedema") == 1
    assert "Effusion" not in labels()
    assert take_back(first, by=researcher) == 0


def test_who_may_change_one_dataset_takes_back_its_part_and_leaves_the_rest_to_others(
    researcher: User, rater: User, dataset: Dataset
) -> None:
    other = make_dataset(name="Elsewhere")
    make_image(other, label="Normal")
    correction = correct(
        Image.objects.filter(label="Normal"), "label", "Effusion", by=researcher, reason="Read again."
    ).correction
    assert correction is not None
    for each, person in ((dataset, researcher), (other, rater)):
        each.memberships.all().delete()
        each.memberships.create(user=person, part=Part.OWNER)

    first = take_back(correction, by=researcher)
    correction.refresh_from_db()
    is_over = correction.taken_back_at is not None
    second = take_back(correction, by=rater)

    assert (first, is_over, second) == (2, False, 1)
    assert "Effusion" not in labels()


def test_a_finding_that_was_given_again_later_is_not_taken_back_with_the_first(
    researcher: User, dataset: Dataset
) -> None:
    def give(label: str) -> Correction:
        correction = correct(dataset.images.all(), "label", label, by=researcher, reason="Read.").correction
        assert correction is not None
        return correction

    first = give("Effusion")
    give("Oedema")
    give("Effusion")

    assert take_back(first, by=researcher) == 0
    assert set(labels()) == {"Effusion"}


def test_images_of_a_frozen_study_stay_as_they_are(researcher: User, rater: User) -> None:
    study = open_study("Frozen", raters=[rater])
    frozen = set(study.images.values_list("image", flat=True))
    spare = make_image(Dataset.objects.get(pk=Image.objects.get(pk=min(frozen)).dataset_id))

    corrected = correct(Image.objects.all(), "label", "Effusion", by=researcher, reason="Read again.")

    assert list(Image.objects.filter(label="Effusion").values_list("pk", flat=True)) == [spare.pk]
    assert (corrected.changed, corrected.fixed) == (1, len(frozen))
    assert f"{len(frozen)} stay as they are" in corrected.in_words


def test_a_viewer_of_a_dataset_corrects_nothing(browser: Client, researcher: User, dataset: Dataset) -> None:
    dataset.memberships.all().delete()
    dataset.memberships.create(user=researcher, part=Part.VIEWER)

    post(browser, value="Effusion")

    assert "Effusion" not in labels()


def test_a_correction_costs_as_many_queries_for_three_images_as_for_thirty(
    researcher: User, dataset: Dataset
) -> None:
    def cost(value: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            correct(dataset.images.all(), "label", value, by=researcher, reason="Read again.")
        return len(queries)

    few = cost("Effusion")
    for _ in range(27):
        make_image(dataset)

    assert cost("Oedema") == few


def edit(browser: Client, dataset: Dataset, **fields: str) -> Any:
    form = {
        "name": dataset.name,
        "modality": dataset.modality,
        "description": "",
        "licence": "",
        "citation": "",
    }
    return browser.post(reverse("pool:edit_dataset", args=[dataset.pk]), {**form, **fields}, follow=True)


def test_a_dataset_is_renamed_and_its_modality_changed_on_the_images_too(
    browser: Client, dataset: Dataset
) -> None:
    edit(browser, dataset, name="Chest X-rays", modality="ct", licence="CC BY 4.0")

    dataset.refresh_from_db()
    assert (dataset.name, dataset.licence) == ("Chest X-rays", "CC BY 4.0")
    assert set(dataset.images.values_list("modality", flat=True)) == {"ct"}
    page = browser.get(reverse("pool:edit_dataset", args=[dataset.pk])).content.decode()
    assert "“Chests” → “Chest X-rays”" in page


def test_a_name_that_generated_images_name_as_their_models_source_stays(
    browser: Client, dataset: Dataset
) -> None:
    make_image(make_dataset(name="Fakes", origin="synthetic"), provenance={"trained_on_before": ["Chests"]})

    page = edit(browser, dataset, name="Other")

    assert page.status_code == 422
    assert "its name stays" in page.content.decode()


def test_the_modality_of_images_in_a_frozen_study_stays_and_in_a_draft_not(
    browser: Client, rater: User
) -> None:
    study = open_study("Frozen", raters=[rater])
    frozen = study.images.first()
    assert frozen is not None
    free = draft_study("Draft", real=2, fake=2)
    unfrozen = Dataset.objects.filter(name__startswith="Draft").first()
    assert unfrozen is not None
    assert not free.images.exists()

    refused = edit(browser, frozen.image.dataset, modality="mri")
    changed = edit(browser, unfrozen, modality="mri")

    assert refused.status_code == 422
    assert "the modality stays" in refused.content.decode()
    assert changed.status_code == 200
