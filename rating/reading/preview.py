"""The reading room for whoever prepares a study: a handful of images, as raters will meet them; nothing is stored.

The rows it stands on are never saved. Which images come, and in which order, depends on pixels and codes alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import Any

from django.db.models import Q
from django.urls import reverse

from pool.models import Dataset, Image
from pool.storage.slices import middle_of
from pool.storage.stored_files import stored_bytes
from rating.blinding.derivative import DerivativePath, slices_of_smallest, source_of
from rating.blinding.stacks.sources import StackSources
from rating.reading.payload import TOKEN, Addresses, PublicFacts, Room, public_facts, room_of, slices_of
from rating.studies.enrolment import Enrolment
from rating.studies.images import StudyImage
from rating.studies.sittings.presentation import Presentation
from rating.studies.sittings.sitting import Sitting
from rating.studies.study import Study

HANDFUL = 6
# Of nobody: what the browser holds for this account stays in memory and goes with the page.
NO_ACCOUNT = ""


@dataclass(frozen=True, slots=True)
class Preview:
    study: Study
    session: int
    sets: Sequence[Sequence[StudyImage]]

    @classmethod
    def of(cls, study: Study, person: Any, session: int) -> Preview:
        """Of images whose dataset this person may see: those drawn, or of a draft some that could be."""
        sets = _candidates(study, person) if study.is_draft else _drawn(study, person)
        return cls(study, min(max(session, 1), study.sessions), sets)

    @property
    def sitting(self) -> Sitting:
        enrolment = Enrolment(study=self.study)
        return Sitting(enrolment=enrolment, session=self.session, presentation_count=len(self.sets))

    def presentation(self, position: int) -> Presentation | None:
        if not 1 <= position <= len(self.sets):
            return None
        image = self.sets[position - 1][0]
        return Presentation(sitting=self.sitting, position=position, study_image=image, token=str(position))

    def ahead(self, after: int = 0) -> list[PublicFacts]:
        positions = range(after + 1, len(self.sets) + 1)
        return [public_facts(each) for each in map(self.presentation, positions) if each]

    def room(self, presentation: Presentation) -> Room:
        room = room_of(
            presentation,
            account=NO_ACCOUNT,
            ahead=self.ahead(presentation.position),
            urls=self.addresses(),
        )
        return {**room, "slices": self.slices}

    def addresses(self) -> Addresses:
        def address(name: str, *more: object) -> str:
            return f"{reverse(f'rating:{name}', args=[self.study.slug, *more])}?session={self.session}"

        page = address("preview")
        return {
            "images": [address("preview_image", TOKEN, place) for place in self.places],
            "slice": address("preview_image", TOKEN, 0),
            "rate": address("preview_rate", TOKEN),
            "ahead": page,
            "draft": address("preview_draft", TOKEN),
            "at": page,
            "read": self.study.get_absolute_url(),
        }

    @property
    def slices(self) -> int:
        """How many slices raters scroll through; of a draft as many as the smallest of these images lets them."""
        if not self.study.is_draft:
            return slices_of(self.study)
        images = (image for images in self.sets for image in images)
        return slices_of_smallest(self.study, min((each.image.slices for each in images), default=1))

    @property
    def places(self) -> list[int]:
        """Where the images of a presentation are: of a stack its middle slice."""
        return [middle_of(self.slices)] if self.slices > 1 else list(range(1, self.study.set_size + 1))

    def png(self, position: int, place: int) -> bytes | None:
        """The blinded image, or slice, at this place; None where there is none. Raises LostFileError."""
        slices = self.slices
        most = slices if slices > 1 else self.study.set_size
        if not (1 <= position <= len(self.sets) and 1 <= place <= most):
            return None
        images = self.sets[position - 1]
        image = images[0] if slices > 1 else images[place - 1]
        if image.derivative:
            file = image.slice_file(place, slices) if slices > 1 else image.derivative
            return stored_bytes(file, "an image") if file else None
        masks = self.study.burned_in == Study.BurnedIn.MASK
        path = DerivativePath(self.study.canvas, self.study.bits, masks_corners=masks)
        if slices == 1:
            return path.png(source_of(image))
        sources = StackSources(image, slices)
        return path.png(sources.pixels(place), path.window_of(sources.sample()))


def _drawn(study: Study, person: Any) -> list[list[StudyImage]]:
    hidden = Dataset.objects.exclude(pk__in=Dataset.objects.visible_to(person).values("pk"))
    firsts = study.images.filter(beside=None).exclude(
        Q(image__dataset__in=hidden) | Q(companions__image__dataset__in=hidden)
    )
    return [image.members for image in firsts.select_related("image").order_by("code")[:HANDFUL]]


def _candidates(study: Study, person: Any) -> list[list[StudyImage]]:
    """As many of each stratum, whatever its size, in an order made of their pixels."""
    enough = HANDFUL * study.set_size
    images: dict[Any, Image] = {}
    for stratum in study.strata.all():
        visible = stratum.candidates().filter(dataset__in=Dataset.objects.visible_to(person))
        images |= {image.pk: image for image in visible.order_by("pixel_sha256")[:enough]}
    row = iter(StudyImage(study=study, image=image) for image in sorted(images.values(), key=_by_pixels))
    sets = [list(islice(row, study.set_size)) for _ in range(HANDFUL)]
    return [images for images in sets if len(images) == study.set_size]


def _by_pixels(image: Image) -> str:
    return sha256(image.pixel_sha256.encode()).hexdigest()
