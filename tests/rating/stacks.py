"""Studies of stacks: each slice carries a bright line, whose row says which slice it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from django.core.files.storage import default_storage

from accounts.models import User
from pool.canonical.pixels import Pixels, decode_png
from rating.models import Enrolment, Freeze, Stratum, Study, StudyImage
from tests.factories import make_dataset, make_stack
from tests.rating.cast import SEED, draft_study, organiser

SIDE = 64


def slice_at(place: int, *, of: int, seed: int) -> Pixels:
    """Noise under a line at the share of the height at which the slice lies in its stack."""
    noise = np.random.default_rng([seed, place]).integers(0, 60, (SIDE, SIDE))
    noise[row_of(place, of=of)] = 255
    return noise.astype(np.uint8)


def row_of(place: int, *, of: int) -> int:
    return 4 + round((SIDE - 8) * place / max(of - 1, 1))


def stack_study(
    name: str = "Stacks",
    *,
    raters: Iterable[User] = (),
    real: Sequence[int] = (7, 7, 7),
    fake: Sequence[int] = (7, 7, 7),
    **protocol: Any,
) -> Study:
    """A draft whose images have as many slices as these numbers say."""
    study = draft_study(name, real=0, fake=0, seed=SEED, **protocol)
    for arm, (origin, stacks) in enumerate((("real", real), ("synthetic", fake))):
        dataset = make_dataset(name=f"{name} {origin}", origin=origin, modality="ct")
        for number, slices in enumerate(stacks):
            seed = 100 * arm + number
            make_stack(dataset, [slice_at(place, of=slices, seed=seed) for place in range(slices)])
        Stratum.objects.create(study=study, dataset=dataset, count=len(stacks))
    for rater in raters:
        Enrolment.enrol(study, rater).consent()
    return study


def frozen(study: Study) -> Study:
    freeze = Freeze.objects.create(study=study)
    freeze.perform()
    assert freeze.state == Freeze.State.SUCCEEDED, freeze.error
    study.refresh_from_db()
    return study


def open_stack_study(*, raters: Iterable[User], **counts: Any) -> Study:
    study = frozen(stack_study(raters=raters, **counts))
    study.open(organiser())
    return study


def shown_slices(image: StudyImage) -> list[Pixels]:
    """The derivatives of an image in order."""
    others = {row.number: row.derivative.name for row in image.other_slices.all()}
    middle = image.study.slices // 2 + 1
    names = [others.get(number, image.derivative.name) for number in range(1, image.study.slices + 1)]
    assert middle not in others
    return [decode_png(default_storage.open(str(name)).read()) for name in names]


def bright_rows(pixels: Sequence[Pixels]) -> list[int]:
    return [int(each.mean(axis=1).argmax()) for each in pixels]
