"""Whether a frozen study's images, their truth and its orders are still those of the freeze."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

from django.db import models

from audit.verification import Discrepancy
from rating.blinding.freeze_runner import manifest_sha256
from rating.studies.images import StudyImage, StudySlice
from rating.studies.sittings.orders import order_sha256
from rating.studies.sittings.presentation import Presentation
from rating.studies.sittings.sitting import Sitting
from rating.studies.study import Study

PIECE = 2**20


def verify_manifest(study: Study) -> Iterator[Discrepancy]:
    """Protocol, images, their sources and their truth, against the digest of the freeze and the log's word of it."""
    if study.is_draft:
        return
    frozen = study.events.filter(action=Study.State.FROZEN).order_by("pk").first()
    detail = frozen.detail if frozen else {}
    if detail.get("manifest_sha256", study.manifest_sha256) != study.manifest_sha256:
        yield Discrepancy("manifest", "its digest is not the one that the log has of the freeze.")
    if manifest_sha256(study, detail.get("protocol")) != study.manifest_sha256:
        yield Discrepancy(
            "manifest", "protocol, images or which of them are real are not as they were at the freeze."
        )
    origins = study.images.exclude(image__origin=models.F("image__dataset__origin"))
    for image in origins.order_by("code"):
        yield Discrepancy(f"image {image.code}", "its origin is not its dataset's.")


def verify_derivatives(study: Study) -> Iterator[Discrepancy]:
    """Every image that raters were shown, against its digest."""
    for image in study.images.exclude(derivative="").order_by("code").iterator():
        yield from _derivative(image, f"image {image.code}")
    slices = StudySlice.objects.filter(study_image__study=study).select_related("study_image")
    for row in slices.order_by("study_image__code", "number").iterator():
        yield from _derivative(row, f"image {row.study_image.code}, slice {row.number}")


def _derivative(row: StudyImage | StudySlice, name: str) -> Iterator[Discrepancy]:
    try:
        with row.derivative.open("rb") as file:
            digest = hashlib.sha256()
            while piece := file.read(PIECE):
                digest.update(piece)
    except OSError:
        yield Discrepancy(name, "the image that raters were shown is gone.")
    else:
        if digest.hexdigest() != row.derivative_sha256:
            yield Discrepancy(name, "the image is not the one that raters were shown.")


def verify_orders(study: Study) -> Iterator[Discrepancy]:
    """What each rater was shown in which order, against the order's digest."""
    rows = (
        Presentation.objects.filter(sitting__enrolment__study=study)
        .order_by("sitting", "position")
        .values_list("sitting", "position", "study_image__code", "kind", "places")
    )
    digests = {
        sitting: order_sha256(row[1:] for row in order)
        for sitting, order in groupby(rows.iterator(chunk_size=5000), key=itemgetter(0))
    }
    for sitting in Sitting.objects.filter(enrolment__study=study).select_related("enrolment"):
        if digests.get(sitting.pk, order_sha256([])) != sitting.order_sha256:
            yield Discrepancy(
                f"{sitting.enrolment} session {sitting.session}", "its order is not the one that was stored."
            )
