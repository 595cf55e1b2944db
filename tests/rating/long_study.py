"""An open study of any length in seconds: rows made in bulk, a few images shared by all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from pool.canonical.pixels import blinded_derivative
from pool.models import Dataset, Image, Origin
from rating.models import Enrolment, Study, StudyImage
from rating.studies.sittings import ordering
from rating.studies.sittings.orders import Orders
from tests.factories import make_pixels


def long_study(
    name: str, *, raters: Iterable[Any], images: int, derivatives: Sequence[bytes] = (), **protocol: Any
) -> Study:
    """So many images, every other one generated; raters have agreed, and have the orders a freeze gives them."""
    study = Study.objects.create(**{"name": name, "canvas": 64, **protocol})
    enrolments = [Enrolment.enrol(study, rater) for rater in raters]
    _images(study, images, list(derivatives) or [blinded_derivative(make_pixels(), side=64)])
    orders = Orders(study)
    for enrolment in enrolments:
        enrolment.consent()
        orders.make_sittings(enrolment)
    # Whether these very pixels are fit to be shown is not what a long study is made for.
    stamps = dict.fromkeys(("frozen_at", "opened_at"), timezone.now())
    Study.objects.filter(pk=study.pk).update(
        state=Study.State.OPEN, manifest_sha256="x", order_version=ordering.VERSION, **stamps
    )
    study.refresh_from_db()
    return study


def _images(study: Study, count: int, derivatives: Sequence[bytes]) -> None:
    datasets = [
        Dataset.objects.create(name=f"{study} {origin}", origin=origin, modality="xray")
        for origin in (Origin.REAL, Origin.SYNTHETIC)
    ]
    names = [
        default_storage.save(f"derivatives/{study.pk}/image.png", ContentFile(derivative))
        for derivative in derivatives
    ]
    images = Image.objects.bulk_create(
        (
            Image(
                dataset=(dataset := datasets[number % 2]),
                origin=dataset.origin,
                modality=dataset.modality,
                file="none",
                pixel_sha256=hashlib.sha256(f"{study.pk} {number}".encode()).hexdigest(),
                width=64,
                height=64,
                bits=8,
            )
            for number in range(count)
        ),
        batch_size=2000,
    )
    StudyImage.objects.bulk_create(
        (
            StudyImage(study=study, image=image, code=f"I{number:05}", derivative=names[number % len(names)])
            for number, image in enumerate(images)
        ),
        batch_size=2000,
    )
