"""Freezing at work: a study's images are drawn, their derivatives written, every order made, all of it fixed."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone

from audit import record
from jobs.models import JobFailedError
from pool.canonical.pixels import blinded_derivative, decode_png
from pool.models import Image, Origin
from pool.storage.slices import middle_of
from pool.storage.stored_files import LostFileError, stored_bytes
from rating.blinding.audit import BlindingAudit
from rating.blinding.derivative import DerivativePath, slices_read, source_of
from rating.blinding.freeze import Freeze
from rating.blinding.stacks.sources import StackSources
from rating.studies.images import StudyImage, StudySlice
from rating.studies.sampling.generators import competitor
from rating.studies.sampling.pairing import ImpossiblePairsError, pairs_of
from rating.studies.sampling.strata import Role, Stratum
from rating.studies.sittings import ordering
from rating.studies.sittings.orders import Orders
from rating.studies.study import Study

MOST_NAMED = 5
SLICES_BETWEEN_BEATS = 20
COLUMNS_DRAWN = ("pk", "file", "modality", "label", "provenance")
logger = logging.getLogger(__name__)


def freeze(job: Freeze) -> None:
    """Freeze the job's study, going on where an earlier worker stopped. Raises JobFailedError."""
    FreezeSteps(job).run()


class FreezeSteps:
    """What a freeze does, step by step; each leaves what the next worker can go on from."""

    def __init__(self, job: Freeze) -> None:
        self.job = job
        self.study = job.study

    def run(self) -> None:
        """Choose, blind, order, fix, audit: whatever of it is not done yet."""
        if self.study.is_draft:
            self._freeze()
        # Else a worker died when the study was frozen already. An audit that died with it goes on by itself.
        if not self.study.blinding_audits.exists():
            self._audit()

    def _freeze(self) -> None:
        study = self.study
        if reasons := study.reasons_not_to_freeze():
            raise JobFailedError(" ".join(reasons))
        if not study.images.exists():
            self.choose_images()
        waiting = study.images.filter(derivative="").select_related("image__dataset")
        lost: list[Image] = []
        self.job.total = study.images.count()
        self.job.save(update_fields=["total"])
        path, slices = DerivativePath.of(study), slices_read(study)
        for done, study_image in enumerate(waiting, start=self.job.total - waiting.count() + 1):
            try:
                write_derivatives(study_image, path, slices, beat=self.job.beat)
            except LostFileError:
                lost.append(study_image.image)
            self.job.beat(done=done, message=f"Blinded {done} of {self.job.total} images")
        if lost:
            raise JobFailedError(_lost_files(lost))
        self.make_orders()
        self.fix()

    def choose_images(self) -> None:
        """Draw each stratum's images by the study's seed; codes and rows come in random order."""
        generator = np.random.Generator(np.random.Philox(self.study.seed))
        chosen: dict[Any, tuple[Stratum, Image]] = {}
        # Strata of one finding first: those of any finding take what is left.
        for stratum in self.study.strata.select_related("dataset").order_by("-label", "pk"):
            for image in self._draw(stratum, generator, used_keys=set(chosen)):
                chosen[image.pk] = (stratum, image)
        picks = list(chosen.values())
        sets = self._make_sets(picks, generator)
        main = [members for members in sets if picks[members[0]][0].role == Role.MAIN]
        blocks = self._deal([[picks[place] for place in members] for members in main])
        block_of = dict.fromkeys(range(len(picks)), 0) | {
            place: block for members, block in zip(main, blocks, strict=True) for place in members
        }
        numbers = generator.permutation(len(picks)).tolist()
        with (
            transaction.atomic()
        ):  # all images with their sets, or none: a freeze that goes on makes neither again
            # Rows are made in the order of their codes: a row's number must not tell its stratum.
            images = StudyImage.objects.bulk_create(
                (
                    StudyImage(
                        study=self.study,
                        image=picks[place][1],
                        role=picks[place][0].role,
                        block=block_of[place],
                        code=f"I{number:04}",
                    )
                    for number, place in enumerate(numbers, start=1)
                ),
                batch_size=1000,
            )
            self._tie_sets({place: images[at] for at, place in enumerate(numbers)}, sets)

    def _make_sets(
        self, picks: list[tuple[Stratum, Image]], generator: np.random.Generator
    ) -> list[list[int]]:
        """Places of the images shown together: one looked for and others of its modality, of its finding if they can."""
        if not self.study.shows_sets:
            return [[place] for place in range(len(picks))]
        if self.study.is_arena:
            return self._make_pairs(picks, generator)
        sought = Origin.REAL if self.study.sought == Study.Sought.REAL else Origin.SYNTHETIC
        kinds: dict[tuple[str, str], tuple[list[int], list[int]]] = {}
        for place in generator.permutation(len(picks)).tolist():
            stratum, image = picks[place]
            targets, fillers = kinds.setdefault((stratum.role, image.modality), ([], []))
            (targets if stratum.dataset.origin == sought else fillers).append(place)
        per_target = self.study.set_size - 1
        sets = []
        for (role, modality), both in kinds.items():
            targets, fillers = (sorted(places, key=lambda place: picks[place][1].label) for places in both)
            if len(fillers) != per_target * len(targets):
                raise JobFailedError(
                    f"{len(targets)} and {len(fillers)} {role} images of {modality} do not make whole sets."
                )
            sets += [
                [place, *fillers[n * per_target : (n + 1) * per_target]] for n, place in enumerate(targets)
            ]
        return sets

    def _make_pairs(
        self, picks: list[tuple[Stratum, Image]], generator: np.random.Generator
    ) -> list[list[int]]:
        """Places of the two images of each pair of an arena, of different generators and of one modality."""
        pairs: list[list[int]] = []
        for role in Role.values:
            places = [place for place, (stratum, _) in enumerate(picks) if stratum.role == role]
            of_role = [picks[place] for place in places]
            names = [
                competitor(stratum.dataset.origin, image.provenance, stratum.dataset.name)
                for stratum, image in of_role
            ]
            kinds = [self._kind(image) for _, image in of_role]
            try:
                pairs += [[places[a], places[b]] for a, b in pairs_of(names, kinds, generator)]
            except ImpossiblePairsError as error:
                raise JobFailedError(f"{Role(role).label} images: {error}") from error
        return pairs

    def _kind(self, image: Image) -> str:
        finding = f", “{image.label or 'no finding'}”" if self.study.match_findings else ""
        return f"{image.get_modality_display()}{finding}"

    def _tie_sets(self, image_at: dict[int, StudyImage], sets: list[list[int]]) -> None:
        """Let each set go by the image with its lowest code, which says nothing of the origin."""
        companions = []
        for members in sets:
            first, *companions_of_first = sorted(
                (image_at[place] for place in members), key=lambda image: image.code
            )
            for other in companions_of_first:
                other.beside = first
                companions.append(other)
        StudyImage.objects.bulk_update(companions, ["beside"], batch_size=1000)

    def _draw(self, stratum: Stratum, generator: np.random.Generator, *, used_keys: set[Any]) -> list[Image]:
        candidates = stratum.candidates().order_by("pixel_sha256").only(*COLUMNS_DRAWN)
        free = [image for image in candidates if image.pk not in used_keys]
        images: list[Image] = []
        for place in generator.permutation(len(free)):
            if len(images) == stratum.count:
                break
            if not self._is_left_out(free[place]):
                images.append(free[place])
        if len(images) < stratum.count:
            raise JobFailedError(f"“{stratum.dataset}” has only {len(images)} images that fit this study.")
        return images

    def _is_left_out(self, image: Image) -> bool:
        if self.study.burned_in != Study.BurnedIn.LEAVE_OUT:
            return False
        from rating.blinding.letters import has_letters  # scipy, which the web process need not load

        self.job.beat(message="Looking for letters burned into images")
        try:
            pixels = decode_png(stored_bytes(image.file, f"image {image.pk}"))
        except LostFileError:
            return False  # the freeze names it, with all others that are lost
        return has_letters(decode_png(blinded_derivative(pixels, side=self.study.canvas)))

    def _deal(self, sets: list[list[tuple[Stratum, Image]]]) -> list[int]:
        if self.study.blocks == 1:
            return [0] * len(sets)
        strata = [self._stratum_of(members) for members in sets]
        return ordering.deal(strata, self.study.seed, anchors=self.study.anchors, blocks=self.study.blocks)

    def _stratum_of(self, members: list[tuple[Stratum, Image]]) -> tuple[str, ...]:
        """What every block holds its share of: of an arena every two generators."""
        stratum, image = members[0]
        if not self.study.is_arena:
            return stratum.dataset.origin, image.modality, image.label
        return image.modality, *sorted(
            competitor(each.dataset.origin, drawn.provenance, each.dataset.name) for each, drawn in members
        )

    def make_orders(self) -> None:
        """Each rater's sittings, committed rater by rater: a crash loses one rater's orders at most."""
        orders = Orders(self.study)
        waiting = self.study.enrolments.without_orders()
        for number, enrolment in enumerate(waiting, start=1):
            with transaction.atomic():
                orders.make_sittings(enrolment)
            self.job.beat(message=f"Made the orders of {number} of {len(waiting)} raters")

    @transaction.atomic
    def fix(self) -> None:
        study = Study.objects.select_for_update().get(pk=self.study.pk)
        if not study.is_draft or study.images.exclude(derivative="").count() != self.job.total:
            raise JobFailedError("The study was changed while it was being frozen; freeze it again.")
        for late in study.enrolments.without_orders():
            Orders(study).make_sittings(late)
        study.slices = slices_read(study)
        study.state = Study.State.FROZEN
        study.frozen_at = timezone.now()
        study.order_version = ordering.VERSION
        study.manifest_sha256 = manifest_sha256(study)
        study.save(update_fields=["slices", "state", "frozen_at", "order_version", "manifest_sha256"])
        record(
            study,
            self.job.requested_by,
            "frozen",
            at=study.frozen_at.isoformat(),
            manifest_sha256=study.manifest_sha256,
            protocol=sorted(study.protocol()),
        )

    def _audit(self) -> None:
        """The blinding audit, at once; where it fails the study stays frozen and it can be run again."""
        audit = BlindingAudit.objects.create(study=self.study, requested_by=self.job.requested_by)
        audit.on_beat = lambda job: self.job.beat(message=job.message)
        try:
            audit.perform()
        except Exception:
            logger.exception("the blinding audit of study %s failed", self.study.pk)


def _lost_files(images: list[Image]) -> str:
    names = [f"{image.pk} of “{image.dataset}”" for image in images[:MOST_NAMED]]
    more = f" and {len(images) - MOST_NAMED} more" if len(images) > MOST_NAMED else ""
    return f"The files of these images are lost: {', '.join(names)}{more}; restore them from a backup and freeze again."


def write_derivatives(
    study_image: StudyImage, path: DerivativePath, slices: int, *, beat: Callable[[], None]
) -> None:
    """What raters see of an image: its middle slice, and of a stack as many others as of every image of the study."""
    if slices == 1:
        _write(study_image, path.png(source_of(study_image)))
    else:
        sources = StackSources(study_image, slices)
        window = path.window_of(sources.sample())
        study_image.other_slices.all().delete()  # of a freeze that was cut short
        for number in range(1, slices + 1):
            if number == middle_of(slices):
                continue
            row = StudySlice(study_image=study_image, number=number)
            _write(row, path.png(sources.pixels(number), window))
            row.save()
            if number % SLICES_BETWEEN_BEATS == 0:
                beat()
        _write(study_image, path.png(sources.pixels(middle_of(slices)), window))
    # Last: an image with a derivative is done.
    study_image.save(update_fields=["derivative", "derivative_sha256"])


def _write(row: StudyImage | StudySlice, png: bytes) -> None:
    row.derivative_sha256 = hashlib.sha256(png).hexdigest()
    row.derivative.save("", ContentFile(png), save=False)


def manifest_sha256(study: Study, fields: Collection[str] | None = None) -> str:
    """One digest over the protocol, every image's source, derivative and origin, and who reads which block.

    fields: those that the protocol had at the freeze, where a later version has added some.
    """
    images = study.images.values_list(
        "code", "role", "block", "image__pixel_sha256", "derivative_sha256", "image__origin", "beside__code"
    )
    protocol = {
        name: value for name, value in study.protocol().items() if fields is None or name in fields
    } | {"order": study.order_version or ordering.VERSION}
    rows: list[Any] = [protocol, sorted(images)]
    slices = StudySlice.objects.filter(study_image__study=study)
    if digests := sorted(slices.values_list("study_image__code", "number", "derivative_sha256")):
        rows.append(digests)
    words = json.dumps(rows, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(words.encode()).hexdigest()
