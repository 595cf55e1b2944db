"""A machine as a rater: enrolled and marked as one, shown the blinded images in a stored order of its own.

What looks at the images is somebody else's: it gets an image's pixels and gives an Opinion, and learns nothing more.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from django.contrib.auth import get_user_model
from django.db import transaction

from audit import record
from pool.canonical.pixels import decode_png, to_8bit
from pool.canonical.texts import plain, plain_json
from pool.storage.stored_files import LostFileError, stored_bytes
from rating.reading.rating import AlreadyRatedError, Rating, StudyOverError
from rating.studies.enrolment import Enrolment
from rating.studies.sittings.presentation import Presentation
from rating.studies.sittings.sitting import Sitting
from rating.studies.study import NotPossibleError, Study

ImagePixels = npt.NDArray[np.uint8]
LONGEST_NAME = 200
LONGEST_REMARK = 4000
CONFIDENCES = 5


class NoOpinionError(Exception):
    """The machine has nothing to say of this image; the others may go better."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """A machine's word on an image; p_fake where it gives a probability, `confidence` from 1 to 5."""

    label: str
    confidence: int | None = None
    remark: str = ""
    p_fake: float | None = None


class Looker(Protocol):
    """What looks: its name says what it is, `facts` how it was asked. Raises NoOpinionError."""

    @property
    def name(self) -> str: ...

    @property
    def facts(self) -> Mapping[str, object]: ...

    def look(self, image: ImagePixels) -> Opinion: ...


@dataclass(slots=True)
class Reading:
    """How far a machine is: images rated now, and why others have no answer."""

    rater: str
    total: int
    done: int = 0
    silent: int = 0
    why: str = ""


def opinion_of(p_fake: float, unsure: float = 0.0) -> Opinion:
    """The label of a probability: unsure within `unsure` of a half, and the surer the farther from it."""
    away = abs(p_fake - 0.5)
    label = "unsure" if away < unsure or away == 0 else "fake" if p_fake > 0.5 else "real"
    return Opinion(label, min(CONFIDENCES, 1 + int(away * 2 * CONFIDENCES)), p_fake=round(p_fake, 6))


@transaction.atomic
def enrol_machine(study: Study, looker: Looker, *, by: Any = None) -> Enrolment:
    """The machine's place in an open study; the same machine has the same place again. Raises NotPossibleError."""
    if not study.is_open:
        raise NotPossibleError(
            f"“{study}” is {study.state}: machines rate while a study is open, as people do."
        )
    if study.shows_sets:
        raise NotPossibleError("Machines judge one image at a time; this study shows several.")
    name = looker.name[:LONGEST_NAME]
    enrolment = Enrolment.enrol(study, _stand_in(name), by=by, machine=name)
    if enrolment.consented_at is None:
        enrolment.consent()
        record(study, by, "asked a machine", rater=enrolment.pseudonym, **plain_json(looker.facts))
    return enrolment


def read(enrolment: Enrolment, looker: Looker) -> Iterator[Reading]:
    """Rate what the machine has not rated yet, in its stored orders, telling after each image how far it is.

    Raises NotPossibleError once it may not go on: the study was closed meanwhile, or the machine withdrawn.
    """
    study = enrolment.study
    sittings = Sitting.objects.of(enrolment.user, study).filter(session__gte=study.first_informed_session)
    presentations = Presentation.objects.filter(sitting__in=sittings)
    to_rate = (
        presentations.to_rate()
        .order_by("sitting__session", "position")
        .select_related("study_image", "sitting__enrolment__user")
    )
    waiting = list(to_rate)
    reading = Reading(enrolment.pseudonym, len(waiting))
    yield reading
    for presentation in waiting:
        try:
            _rate(presentation, looker.look)
        except (NoOpinionError, LostFileError) as reason:
            reading.silent, reading.why = reading.silent + 1, str(reason)
        reading.done += 1
        yield reading


def _rate(presentation: Presentation, look: Callable[[ImagePixels], Opinion]) -> None:
    row = presentation.study_image
    image = to_8bit(decode_png(stored_bytes(row.derivative, f"image {row.code}")))
    presentation.mark_shown()
    before = time.monotonic()
    opinion = look(image)
    took = round(1000 * (time.monotonic() - before))
    if not Presentation.objects.of(presentation.sitting.enrolment.user).filter(pk=presentation.pk).exists():
        raise NotPossibleError("The study was closed, or this machine withdrawn, while it read.")
    try:
        Rating.record(
            presentation,
            uuid.uuid4(),
            label=opinion.label,
            confidence=opinion.confidence,
            remark=plain(opinion.remark, most=LONGEST_REMARK),
            active_ms=took,
            view_state={} if opinion.p_fake is None else {"p_fake": opinion.p_fake},
        )
    except AlreadyRatedError:
        pass  # by the same command in another window
    except StudyOverError as error:
        raise NotPossibleError("The study was closed while this machine read.") from error


def _stand_in(name: str) -> Any:
    """A person nobody can sign in as, one for each machine."""
    users = get_user_model().objects
    email = f"machine-{hashlib.sha256(name.encode()).hexdigest()[:16]}@lungrater.invalid"
    return users.filter(email=email).first() or users.create_user(
        email, first_name="Machine", last_name=name[:100], is_active=False
    )
