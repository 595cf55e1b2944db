"""No patient stands on both sides, and the sides are the same every time."""

from __future__ import annotations

import hashlib

import pytest

from pool import splits
from pool.imports.store import patient_key
from pool.models import Dataset, Image
from tests.factories import make_dataset, make_image

pytestmark = pytest.mark.django_db


@pytest.fixture
def few_suffice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splits, "ENOUGH_TO_SPLIT", 40)


def dataset_of(patients: int, *, images_each: int = 2) -> Dataset:
    dataset = make_dataset()
    for number in range(patients):
        for _ in range(images_each):
            make_image(dataset, patient=f"patient {number}")
    return dataset


def sides(dataset: Dataset) -> tuple[set[Image], set[Image]]:
    return set(splits.training_images(dataset)), set(splits.held_out_images(dataset))


def test_a_large_dataset_is_split_by_patient_and_nothing_is_lost(few_suffice):
    dataset = dataset_of(40)

    training, held_out = sides(dataset)

    assert {i.patient_key for i in training}.isdisjoint(i.patient_key for i in held_out)
    assert training | held_out == set(dataset.images.all())
    assert 2 <= len(held_out) <= 40
    assert "hash of the patient" in splits.split_in_words(dataset)


def test_a_patient_falls_on_the_same_side_in_every_dataset(few_suffice):
    first, second = dataset_of(40), dataset_of(40, images_each=1)

    tested = [{i.patient_key for i in sides(dataset)[1]} for dataset in (first, second)]

    assert tested[0] == tested[1]


def test_images_without_a_patient_are_split_by_their_pixels(few_suffice):
    dataset = make_dataset()
    for _ in range(50):
        make_image(dataset)

    training, held_out = sides(dataset)

    assert held_out
    assert len(training) + len(held_out) == 50
    assert training.isdisjoint(held_out)


def test_the_split_of_the_import_is_kept_and_a_tested_patients_other_images_are_not_trained_on(few_suffice):
    dataset = dataset_of(40, images_each=1)
    tested = make_image(dataset, patient="patient 7", split=Image.Split.TEST)
    anonymous = make_image(dataset, split=Image.Split.TEST)

    training, held_out = sides(dataset)

    assert held_out == {tested, anonymous}
    assert len(training) == 39
    assert tested.patient_key not in {i.patient_key for i in training}
    assert "imported with" in splits.split_in_words(dataset)


def test_of_a_small_dataset_nothing_is_spared():
    dataset = dataset_of(5)

    training, held_out = sides(dataset)

    assert len(training) == 10
    assert not held_out
    assert "Nothing is held out" in splits.split_in_words(dataset)


def test_the_key_of_a_patient_is_one_for_all_and_changes_with_the_secret(settings):
    settings.SECRET_KEY = "one"
    keys = [patient_key("4711"), patient_key(" 4711 "), patient_key("4712")]

    settings.SECRET_KEY = "another"

    assert keys[0] == keys[1] != keys[2]
    assert patient_key("4711") != keys[0]
    assert hashlib.sha256(b"4711").hexdigest() not in keys
