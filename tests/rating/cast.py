"""Studies in every state, made the way people make them."""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Iterable
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.db.models import QuerySet
from django.utils.datastructures import MultiValueDict

from accounts.membership.models import Part
from accounts.models import User
from accounts.roles import Role
from rating.models import (
    Enrolment,
    ImportedRatings,
    Presentation,
    Rating,
    RatingRevision,
    Sitting,
    Stratum,
    Study,
)
from rating.results.imported.form import ImportedRatingsForm
from tests.factories import make_dataset, make_image, make_pixels
from tests.rating.freezing import freeze

SEED = 20260101


def organiser() -> User:
    email = "organiser@example.org"
    return User.objects.filter(email=email).first() or User.objects.create_user(email, role=Role.RESEARCHER)


ELSEWHERE = "rater,image,answer,truth\nA,1,real,real\nA,2,fake,fake\nB,1,fake,real\nB,2,fake,fake\n"


def imported_ratings(name: str = "Elsewhere", *, text: str = ELSEWHERE, **fields: Any) -> ImportedRatings:
    """Ratings of a file, as its form brings them in; every researcher's."""
    values = {"name": name, "modality": "other", **fields}
    files: MultiValueDict[str, Any] = MultiValueDict(
        {"file": [SimpleUploadedFile("ratings.csv", text.encode())]}
    )
    form = ImportedRatingsForm(values, files)
    assert form.is_valid(), form.errors
    row = form.save_by(None)
    row.share_with(None, Part.OWNER)
    return row


def draft_study(
    name: str = "Reading", *, real: int = 3, fake: int = 3, modality: str = "xray", **protocol: Any
) -> Study:
    # One seed and the same pixels in every run: an audit is red by luck now and then, and a test must not be.
    study = Study.objects.create(name=name, canvas=64, **{"seed": SEED, **protocol})
    study.share_with(None, Part.OWNER)  # every researcher's; tests of memberships say otherwise
    for origin, count in (("real", real), ("synthetic", fake)):
        if count:
            dataset = make_dataset(name=f"{name} {origin} {modality}", origin=origin, modality=modality)
            for number in range(count):
                seed = zlib.crc32(f"{name} {origin} {modality} {number}".encode())
                make_image(dataset=dataset, pixels=make_pixels(seed=seed))
            Stratum.objects.create(study=study, dataset=dataset, count=count)
    return study


def frozen_study(name: str = "Reading", *, raters: Iterable[User] = (), **counts: Any) -> Study:
    study = draft_study(name, **counts)
    for rater in raters:
        Enrolment.enrol(study, rater).consent()
    freeze(study, name, *sorted((field, repr(value)) for field, value in counts.items()))
    return study


def open_study(name: str = "Reading", *, raters: Iterable[User], **counts: Any) -> Study:
    study = frozen_study(name, raters=raters, **counts)
    study.open(organiser())
    return study


def rate_all(study: Study, rater: User, label_of: dict[str, str] | str, remark: str = "") -> None:
    """Rate everything: one label for all, or one by the image's code."""
    for presentation in presentations(study, rater):
        label = label_of if isinstance(label_of, str) else label_of[presentation.study_image.code]
        Rating.record(presentation, uuid.uuid4(), label=label, remark=remark)


def rated(study: Study, labels: dict[str, list[str]]) -> list[str]:
    """Each rater's label for each image in the order of their codes, which are returned; then closes the study."""
    codes = [image.code for image in study.images.order_by("code")]
    for enrolment in study.enrolments.order_by("number"):
        own_labels = labels[enrolment.pseudonym]
        rate_all(study, enrolment.user, dict(zip(codes, own_labels, strict=True)), remark="possible effusion")
    study.close(organiser())
    return codes


def rewrite(ratings: QuerySet[Rating], **answer: Any) -> None:
    """Let these ratings have been saved otherwise from the start; `verify` would see it, an analysis does not."""
    keys = list(ratings.values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        RatingRevision.objects.filter(rating__in=keys).update(**answer)
        Rating.objects.filter(pk__in=keys).update(**answer)
        cursor.execute("SET session_replication_role = DEFAULT")


def presentations(study: Study, rater: User, session: int = 1) -> list[Presentation]:
    sitting = Sitting.objects.of(rater, study).get(session=session)
    return list(sitting.presentations.select_related("study_image__image").order_by("position"))


def over_study(
    name: str = "Reading", *, raters: Iterable[User], unblinded: bool = False, **counts: Any
) -> Study:
    """A study every rater has finished: the first calls everything real, the others everything fake."""
    raters = list(raters)
    study = open_study(name, raters=raters, **counts)
    for number, rater in enumerate(raters):
        rate_all(study, rater, "fake" if number else "real", remark="clear lungs")
    study.close(organiser())
    if unblinded:
        study.unblind(organiser(), "All raters have finished.")
    return study
