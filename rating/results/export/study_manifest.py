"""What a bundle says of the study as it was fixed: protocol, images, who is left out, and the seed of every order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NotRequired, TypedDict

from rating.reading.display_check import checks_of
from rating.results.query import machine_names
from rating.studies.images import StudyImage
from rating.studies.sittings.sitting import Sitting
from rating.studies.study import Study


class ImageJSON(TypedDict):
    """An image of the study; where it comes from only once that may be known."""

    image: str
    role: str
    derivative_sha256: str
    other_slices_sha256: NotRequired[dict[int, str]]
    origin: NotRequired[str]
    dataset: NotRequired[str]
    provenance: NotRequired[Mapping[str, object]]


class MemberJSON(TypedDict):
    """A file of the bundle."""

    file: str
    bytes: int
    sha256: str
    rows: int | None


class ManifestJSON(TypedDict):
    """manifest.json; `files` comes last, when all others are written."""

    study: str
    state: str
    protocol: Mapping[str, object]
    order_version: str
    manifest_sha256: str
    machines: dict[str, str]
    left_out: list[str]
    displays: list[
        dict[str, object]
    ]  # of each sitting its rater, its session and what was checked of its display
    images: list[ImageJSON]
    files: NotRequired[list[MemberJSON]]


def manifest_of(study: Study) -> ManifestJSON:
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
        "displays": [
            {"rater": str(sitting.enrolment), "session": sitting.session, **sitting.display}
            for sitting in checks_of(study)
            if sitting.display
        ],
        "images": [_image(image, unblinded=study.is_unblinded) for image in images],
    }


def _image(image: StudyImage, *, unblinded: bool) -> ImageJSON:
    facts: ImageJSON = {
        "image": image.code,
        "role": image.role,
        "derivative_sha256": image.derivative_sha256,
    }
    if slices := {row.number: row.derivative_sha256 for row in image.other_slices.all()}:
        facts["other_slices_sha256"] = slices  # by number; the middle one is the derivative
    if not unblinded:
        return facts
    source = image.image
    facts["origin"] = source.origin
    facts["dataset"] = source.dataset.name
    facts["provenance"] = source.provenance
    return facts


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
