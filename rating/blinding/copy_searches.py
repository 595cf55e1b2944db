"""The audit's searches for copies: of the study's images among each other, and of other real images of the pool.

Each modality is searched by itself: how alike strangers are is another question of X-rays than of CT slices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Self

from django.db.models import Q

from pool.copies.of_images import Gallery, Pair
from pool.models import Image, Origin
from rating.blinding.copy_check import Searched, check_near_copies, check_training_copies
from rating.blinding.findings import Finding
from rating.studies.study import Study

MOST_COMPARED = 20_000  # real images of the pool beside the study's
LEARNS_NOTHING = {"phantom"}  # engines without a training set

Pulse = Callable[[], object]


@dataclass(frozen=True)
class CopySearches:
    """A study's images by modality, searched; `pairs` are codes of near-copies, and whether each of the two is generated."""

    study: Study
    fakes: dict[str, Gallery]
    pairs: Sequence[tuple[str, str, bool, bool]]
    searches: Sequence[Searched]
    tell: Callable[[str], object]

    @classmethod
    def of(cls, study: Study, tell: Callable[[str], object]) -> Self:
        """Pairs across the arms first: an image's nearest within its own arm must not hide the one it copies."""
        pulse = partial(tell, "Looking for copies")
        codes = dict(study.images.values_list("image", "code"))
        images = list(Image.objects.filter(pk__in=codes).order_by("pixel_sha256"))
        fakes: dict[str, Gallery] = {}
        pairs, searches = dict.fromkeys(_edits(images)), []
        for modality in sorted({image.modality for image in images}):
            arms = [
                Gallery.of(
                    [image for image in images if image.modality == modality and _is_fake(image) == arm],
                    pulse=pulse,
                )
                for arm in (False, True)
            ]
            across = arms[0].copied_by(arms[1], pulse=pulse)
            within = [arm.repeats(pulse=pulse) for arm in arms]
            pairs |= dict.fromkeys(pair for search in (across, *within) for pair in search.pairs)
            alone = [search for arm, search in zip(arms, within, strict=True) if arm.images]
            searches.append(Searched(modality, across.rule if len(alone) > 1 else alone[0].rule))
            fakes[modality] = arms[1]
        coded = [(codes[image.pk], codes[of.pk], _is_fake(image), _is_fake(of)) for image, of in pairs]
        return cls(study, fakes, coded, searches, tell)

    def in_study(self) -> Finding:
        return check_near_copies(self.pairs, self.searches)

    def of_training(self) -> Finding:
        """Fakes against other real images of the pool of their modality: those that their models were trained on first."""
        pulse = partial(self.tell, "Looking for copies of training images")
        codes = dict(self.study.images.order_by().values_list("image", "code"))
        copies, searches, compared = [], [], 0
        for modality, fakes in self.fakes.items():
            if not fakes.images:
                continue
            reals = Gallery.of(self._other_reals(modality, fakes), pulse=pulse)
            search = reals.copied_by(fakes, pulse=pulse)
            compared += len(reals.images)
            copies += [pair for pair in search.pairs if pair[0].provenance.get("edit_of") != str(pair[1].pk)]
            if reals.images:
                searches.append(Searched(modality, search.rule))
        return check_training_copies(
            sorted((codes[fake.pk], str(real.dataset)) for fake, real in copies),
            unknown=self._of_unknown_training(),
            generated=sum(len(gallery.images) for gallery in self.fakes.values()),
            compared=compared,
            searches=searches,
        )

    def _other_reals(self, modality: str, fakes: Gallery) -> list[Image]:
        trained_on = {name for image in fakes.images for name in image.learned_from}
        others = (
            Image.objects.filter(origin=Origin.REAL, modality=modality)
            .exclude(pk__in=self.study.images.values("image"))
            .annotate(is_trained_on=Q(dataset__name__in=trained_on))
            .order_by("-is_trained_on", "pk")
            .select_related("dataset")
        )
        return list(others[: MOST_COMPARED // len(self.fakes)])

    def _of_unknown_training(self) -> int:
        """How many generated images do not say what their model was trained on."""
        provenances = [image.provenance for gallery in self.fakes.values() for image in gallery.images]
        return sum(
            not provenance.get("trained_on") and provenance.get("engine") not in LEARNS_NOTHING
            for provenance in provenances
        )


def _is_fake(image: Image) -> bool:
    return image.origin == Origin.SYNTHETIC


def _edits(images: Sequence[Image]) -> list[Pair]:
    """Images edited from another one of these, beside it: known from their provenance, however little alike."""
    by_key = {str(image.pk): image for image in images}
    return [
        (image, by_key[source]) for image in images if (source := image.provenance.get("edit_of")) in by_key
    ]
