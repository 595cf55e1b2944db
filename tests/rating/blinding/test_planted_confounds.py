"""The audit sees what differs between the arms besides their origin: kinds of images, sites, patients."""

from __future__ import annotations

import pytest

from pool.models import Image, Origin
from tests.rating.blinding.planting import told
from tests.rating.blinding.pools import arms, audited, filled, study_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("field", "verdict"), [("modality", "red"), ("label", "red")], ids=["modality", "finding"]
)
def test_arms_of_different_kinds_of_images_are_seen(field: str, verdict: str) -> None:
    real, fake = (filled(o, p) for o, p in zip((Origin.REAL, Origin.SYNTHETIC), arms(), strict=True))
    alike = {"modality": ("xray", "ct"), "label": ("normal", "covid")}[field]
    for dataset, kinds in ((real, alike), (fake, alike[:1])):
        for number, image in enumerate(dataset.images.all()):
            Image.objects.filter(pk=image.pk).update(**{field: kinds[number % len(kinds)]})

    audit = audited(study_of(real, fake))

    assert told(audit, f"one {field} mostly in one arm", "Kinds of images") == verdict


def test_a_modality_of_a_few_images_in_one_arm_only_is_not_passed_over() -> None:
    real, fake = (filled(o, p) for o, p in zip((Origin.REAL, Origin.SYNTHETIC), arms(), strict=True))
    real.images.filter(pk__in=real.images.values("pk")[:2]).update(modality="ct")

    audit = audited(study_of(real, fake))

    assert told(audit, "two CT slices in one arm only", "Kinds of images") == "amber"


def test_a_patient_in_both_arms_is_red() -> None:
    real, fake = arms()
    datasets = [filled(Origin.REAL, real), filled(Origin.SYNTHETIC, fake)]
    for dataset in datasets:
        one = dataset.images.first()
        Image.objects.filter(pk=one.pk).update(patient_key="a" * 64)

    assert told(audited(study_of(*datasets)), "a patient in both arms", "Patients") == "red"


@pytest.mark.parametrize("field", ["label", "view", "site", "sex", "age_band"])
def test_a_kind_that_equals_the_arm_is_red(field: str) -> None:
    real, fake = (filled(o, p) for o, p in zip((Origin.REAL, Origin.SYNTHETIC), arms(), strict=True))
    for dataset, kind in ((real, "A"), (fake, "B")):
        for image in dataset.images.all():
            values = {"label": kind} if field == "label" else {"provenance": image.provenance | {field: kind}}
            Image.objects.filter(pk=image.pk).update(**values)

    assert told(audited(study_of(real, fake)), f"{field} equals the arm", "Kinds of images") == "red"


@pytest.mark.parametrize("labelled", [0, 12], ids=["none", "half"])
def test_an_arm_without_labels_is_unknown_and_never_green(labelled: int) -> None:
    real, fake = (filled(o, p) for o, p in zip((Origin.REAL, Origin.SYNTHETIC), arms(), strict=True))
    fake.images.exclude(pk__in=fake.images.values("pk")[:labelled]).update(label="")

    audit = audited(study_of(real, fake))

    assert told(audit, f"{24 - labelled} of 24 fakes unlabelled", "Kinds of images") == "unknown"
    assert audit.verdict == "unknown"
    assert audit.reasons_not_to_open() == []


def test_images_without_patient_keys_are_unknown_and_never_green() -> None:
    real, fake = (
        filled(o, p, patient="") for o, p in zip((Origin.REAL, Origin.SYNTHETIC), arms(), strict=True)
    )

    assert told(audited(study_of(real, fake)), "no patient keys", "Patients") == "unknown"
