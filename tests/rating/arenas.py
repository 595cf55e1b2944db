"""Arenas as people make them: images of several generators, drawn into pairs."""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from accounts.models import User
from rating.models import Enrolment, Presentation, Rating, Stratum, Study
from rating.studies.sampling.generators import competitor
from tests.factories import make_dataset, make_image, make_pixels
from tests.rating.cast import SEED, organiser, presentations
from tests.rating.freezing import freeze

ARENA = {"design": "arena", "primary_endpoint": "strength"}
REAL = "real images"


def draft_arena(
    name: str = "Arena",
    counts: Mapping[str, int] | None = None,
    *,
    labels: tuple[str, ...] = (),
    **protocol: Any,
) -> Study:
    """So many images of each generator; labels in turn."""
    study = Study.objects.create(name=name, canvas=64, **{"seed": SEED, **ARENA, **protocol})
    for generator, count in (counts or {"A": 6, "B": 6}).items():
        origin = "real" if generator == REAL else "synthetic"
        dataset = make_dataset(name=f"{name} {generator}", origin=origin, modality="xray")
        for number in range(count):
            pixels = make_pixels(seed=zlib.crc32(f"{name} {generator} {number}".encode()))
            label = labels[number % len(labels)] if labels else ""
            record = {} if origin == "real" else {"model": generator, "engine": "phantom"}
            make_image(dataset=dataset, pixels=pixels, label=label, provenance=record)
        Stratum.objects.create(study=study, dataset=dataset, count=count)
    return study


def open_arena(
    name: str = "Arena",
    counts: Mapping[str, int] | None = None,
    *,
    raters: Iterable[User],
    **protocol: Any,
) -> Study:
    study = draft_arena(name, counts, **protocol)
    for person in raters:
        Enrolment.enrol(study, person).consent()
    likeness = (*(counts or {}).items(), *((field, repr(value)) for field, value in protocol.items()))
    freeze(study, "arena", name, *likeness)
    study.open(organiser())
    return study


def competitors_shown(presentation: Presentation) -> list[str]:
    """What stands left and right."""
    images = [presentation.image_at(place) for place in (1, 2)]
    return [
        competitor(each.image.origin, each.image.provenance, each.image.dataset.name)
        for each in images
        if each
    ]


def answer_arena(study: Study, rater: User, prefer: Mapping[str, int], ties: int = 0, wrong: int = 0) -> None:
    """Choose whatever has the higher number, but for the first `ties` alike and the next `wrong` the other way."""
    for number, shown in enumerate(presentations(study, rater)):
        left, right = competitors_shown(shown)
        label = "1" if prefer[left] > prefer[right] else "2"
        if number < ties:
            label = "tie"
        elif number < ties + wrong:
            label = "2" if label == "1" else "1"
        Rating.record(shown, uuid.uuid4(), label=label, remark="ribs")
