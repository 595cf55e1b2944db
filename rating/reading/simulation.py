"""Simulated raters: a rehearsal of a study from freeze to report, always in a copy that says it is simulated.

A rater's evidence that an image is generated is ± half the sensitivity (d′), plus what the image itself
suggests to everybody, plus the rater's own noise; beyond the rater's criterion the call is fake, below it
real, and close to it unsure (signal detection with equal variances, Green & Swets 1966).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from django.contrib.auth import get_user_model
from django.db import transaction

from pool.models import Origin
from rating.blinding.freeze import Freeze
from rating.reading.rating import AnswerFields, Label, Rating, RatingRevision
from rating.studies.enrolment import Enrolment
from rating.studies.images import LETTERS
from rating.studies.questions import TIE
from rating.studies.second_questions import Kind, SecondAnswer, SecondQuestion
from rating.studies.sittings.presentation import Presentation
from rating.studies.study import NotPossibleError, Study
from rating.studies.study_copy import copy_of

SHARED = 0.5  # of the variance of the evidence is the image's own, the same for all raters
UNSURE = 0.25  # half-width of the band around the criterion
MEDIAN_MS = 12_000
REMARKS = ("", "", "", "Ribs look odd.", "Sharp vessels.", "Nothing unusual.")


@dataclass(frozen=True, slots=True)
class Readers:
    """How the simulated raters are: d′, criterion (above 0: slow to call fake), and how they differ."""

    raters: int = 4
    sensitivity: float = 1.0
    bias: float = 0.0
    noise: float = 0.3


def simulate(study: Study, readers: Readers, *, by: Any = None, seed: int = 0) -> Study:
    """A finished, unblinded copy of the study, read by simulated raters; the study itself is not touched."""
    with transaction.atomic():
        copy = copy_of(study, by=by, name=_name(study), is_simulated=True)
        for number in range(1, readers.raters + 1):
            Enrolment.enrol(copy, _stand_in(number), by=by)
    return finish(copy, readers, by=by, seed=seed)


def finish(copy: Study, readers: Readers, *, by: Any = None, seed: int = 0) -> Study:
    """The copy frozen, read and unblinded, from wherever an earlier worker left it. Raises NotPossibleError."""
    if copy.is_draft:
        freeze = Freeze.objects.create(study=copy, requested_by=by)
        freeze.perform()
        if freeze.state != Freeze.State.SUCCEEDED:
            raise NotPossibleError(freeze.error or "The copy could not be frozen.")
        copy.refresh_from_db()
    if copy.state == Study.State.FROZEN:
        copy.open(by)
    if copy.is_open:
        _read_all(copy, readers, seed)
        copy.close(by)
    if not copy.is_unblinded:
        copy.unblind(by, "Simulated: there are no raters to keep blind.")
    return copy


def _read_all(copy: Study, readers: Readers, seed: int) -> None:
    """By each rater who has not read it yet."""
    generator = np.random.default_rng([seed, readers.raters])
    image_says = {
        pk: float(value)
        for pk, value in zip(
            copy.images.order_by("code").values_list("pk", flat=True),
            generator.normal(size=copy.images.count()),
            strict=True,
        )
    }
    for enrolment in copy.enrolments.order_by("number"):
        if not Rating.objects.filter(presentation__sitting__enrolment=enrolment).exists():
            _read(enrolment, readers, image_says, generator)


@transaction.atomic
def _read(
    enrolment: Enrolment, readers: Readers, image_says: dict[int, float], generator: np.random.Generator
) -> None:
    criterion = readers.bias + readers.noise * generator.normal()
    sensitivity = readers.sensitivity + readers.noise * generator.normal()
    presentations = Presentation.objects.filter(sitting__enrolment=enrolment).select_related(
        "study_image__image", "sitting__enrolment__study"
    )
    ratings = []
    sets = _sets(enrolment.study) if enrolment.study.shows_sets else {}
    for presentation in presentations.order_by("sitting", "position"):
        if sets:
            ratings.append(
                Rating(
                    presentation=presentation,
                    **_choice(
                        presentation, sets[presentation.study_image_id], sensitivity, image_says, generator
                    ),
                )
            )
            continue
        fake = presentation.study_image.image.origin == Origin.SYNTHETIC
        own = sqrt(SHARED) * image_says[presentation.study_image_id]
        evidence = (sensitivity / 2 if fake else -sensitivity / 2) + own
        evidence += sqrt(1 - SHARED) * generator.normal() - criterion
        low, high = presentation.sitting.question.values[:2]
        answer = _answer(evidence, low, high, generator)
        answer["second_answers"] = _second_answers(presentation.sitting.second_questions, generator)
        ratings.append(Rating(presentation=presentation, **answer))
    Rating.objects.bulk_create(ratings, batch_size=1000)
    RatingRevision.objects.bulk_create(
        (
            RatingRevision(
                rating=rating,
                number=1,
                client_key=uuid.uuid4(),
                **rating.answer(),
            )
            for rating in ratings
        ),
        batch_size=1000,
    )


def _sets(study: Study) -> dict[int, list[tuple[int, bool]]]:
    """By the image that a set goes by: each of its images, by code, and whether it is generated."""
    sets: dict[int, list[tuple[int, bool]]] = {}
    for pk, head, origin in study.images.order_by("code").values_list("pk", "beside", "image__origin"):
        sets.setdefault(head or pk, []).append((pk, origin == Origin.SYNTHETIC))
    return sets


def _choice(
    presentation: Presentation,
    members: list[tuple[int, bool]],
    sensitivity: float,
    image_says: dict[int, float],
    generator: np.random.Generator,
) -> AnswerFields:
    """The place where the evidence speaks most for what is looked for, in an arena the real; no criterion comes into it."""
    evidence = {
        letter: (sensitivity / 2 if fake else -sensitivity / 2)
        + sqrt(SHARED) * image_says[pk]
        + sqrt(1 - SHARED) * generator.normal()
        for letter, (pk, fake) in zip(LETTERS, members, strict=False)
    }
    if presentation.sitting.enrolment.study.allows_ties and abs(evidence["a"] - evidence["b"]) < UNSURE:
        return {**_answer(0.0, "", "", generator), "label": TIE}
    looked_for = max if presentation.sitting.enrolment.study.sought == Study.Sought.FAKE else min
    letter = looked_for(evidence, key=evidence.__getitem__)
    answer = _answer(max(evidence.values()) - min(evidence.values()), "", "", generator)
    return {**answer, "label": str(presentation.places.index(letter) + 1)}


def _answer(evidence: float, low: str, high: str, generator: np.random.Generator) -> AnswerFields:
    """The label that evidence speaks for: `high` above the criterion, `low` below."""
    label: str = Label.UNSURE
    if abs(evidence) > UNSURE:
        label = high if evidence > 0 else low
    return {
        "label": label,
        "confidence": int(np.clip(1 + 2 * abs(evidence), 1, 5)),
        "remark": f"{REMARKS[int(generator.integers(len(REMARKS)))]} (simulated)".strip(),
        "active_ms": int(MEDIAN_MS * np.exp(0.5 * generator.normal())),
        "idle_ms": 0,
    }


def _second_answers(
    questions: Sequence[SecondQuestion], generator: np.random.Generator
) -> dict[str, SecondAnswer]:
    """Any answer to each second question but free text, whatever the image shows."""
    answers: dict[str, SecondAnswer] = {}
    for question in questions:
        if question.kind == Kind.CHOICE:
            answers[question.code] = question.choices[int(generator.integers(len(question.choices)))]
        elif question.kind == Kind.MULTIPLE:
            answers[question.code] = [choice for choice in question.choices if generator.random() < 0.5]
        elif question.kind == Kind.SCALE:
            answers[question.code] = int(generator.integers(1, question.steps + 1))
        elif question.kind == Kind.NUMBER:
            low = question.least if question.least is not None else 0.0
            high = question.most if question.most is not None else low + 100
            answers[question.code] = round(float(generator.uniform(low, high)), 1)
    return answers


def _stand_in(number: int) -> Any:
    """A person nobody can sign in as."""
    users = get_user_model().objects
    email = f"simulated-{number}@lungrater.invalid"
    return users.filter(email=email).first() or users.create_user(
        email, first_name="Simulated", last_name=str(number), is_active=False
    )


def _name(study: Study) -> str:
    number = study.copies.filter(is_simulated=True).count() + 1
    tail = " (simulated)" if number == 1 else f" (simulated {number})"
    return study.name[: 100 - len(tail)] + tail
