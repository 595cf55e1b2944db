"""What a bundle says of the study as it was fixed: protocol, images, who is left out, and the seed of every order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rating.results.query import machine_names
from rating.studies.sittings.sitting import Sitting
from rating.studies.study import Study


def manifest_of(study: Study) -> dict[str, Any]:
    """The study as manifest.json has it; origins and provenance only once they may be known."""
    images = study.images.select_related("image__dataset").prefetch_related("other_slices").order_by("code")
    counted = Sitting.objects.counted().filter(enrolment__study=study)
    of_none = study.enrolments.people().exclude(sittings__in=counted).order_by("number")
    return {
        "study": study.name,
        "state": study.state,
        "protocol": study.protocol(),
        "order_version": study.order_version,
        "manifest_sha256": study.manifest_sha256,
        "machines": machine_names(study),
        "left_out": [str(rater) for rater in of_none],
        "images": [_image(image, unblinded=study.is_unblinded) for image in images],
    }


def _image(image: Any, *, unblinded: bool) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "image": image.code,
        "role": image.role,
        "derivative_sha256": image.derivative_sha256,
    }
    if slices := {row.number: row.derivative_sha256 for row in image.other_slices.all()}:
        facts["other_slices_sha256"] = slices  # by number; the middle one is the derivative
    if not unblinded:
        return facts
    source = image.image
    return facts | {
        "origin": source.origin,
        "dataset": source.dataset.name,
        "provenance": source.provenance,
    }


def sequence_lines(study: Study) -> Iterator[str]:
    """One line per sitting: its seed, the digest of its order, and whether it counts."""
    sittings = Sitting.objects.filter(enrolment__study=study).select_related("enrolment")
    yield "rater,session,attempt,seed,order_version,order_sha256,counts\r\n"
    for sitting in sittings.order_by("enrolment__number", "session", "attempt"):
        valid = (
            sitting.reset_at is None
            and sitting.unblinded_at is None
            and sitting.enrolment.withdrawn_at is None
        )
        counts = valid and not sitting.enrolment.machine
        cells = (sitting.enrolment.pseudonym, sitting.session, sitting.attempt, sitting.seed)
        yield f"{','.join(map(str, cells))},{sitting.order_version},{sitting.order_sha256},{int(counts)}\r\n"
