"""Freezing: the job that fixes a study's images, their blinded derivatives and every order."""

from __future__ import annotations

import hashlib
import json

import numpy as np
from django.core.files.base import ContentFile
from django.db import models, transaction
from django.utils import timezone

from pool.jobs import Job, JobFailed
from pool.models import Image
from pool.pixels import blinded_derivative, decode_png
from rating import ordering
from rating.models.audit import AuditEvent
from rating.models.sittings import Sitting
from rating.models.studies import Study, StudyImage


class Freeze(Job):
    """Runs on a worker; run again after a crash it goes on where it stopped."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="freezes")

    class Meta(Job.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["study"],
                condition=models.Q(state__in=["queued", "running"]),
                name="one_freeze_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"Freeze of {self.study}"

    def ring(self) -> None:
        from pool.tasks import ring
        from rating.tasks import run_freeze

        ring(run_freeze, self.pk)

    def run(self) -> None:
        study = self.study
        if reasons := study.reasons_not_to_freeze():
            raise JobFailed(" ".join(reasons))
        if not study.images.exists():
            self._choose_images()
        waiting = study.images.filter(derivative="").select_related("image")
        self.total = study.images.count()
        self.save(update_fields=["total"])
        for done, study_image in enumerate(waiting, start=self.total - waiting.count() + 1):
            write_derivative(study_image, side=study.canvas, bits=study.bits)
            self.beat(done=done, message=f"Blinded {done} of {self.total} images")
        self._fix()

    @transaction.atomic
    def _choose_images(self) -> None:
        """Draw each stratum's images by the study's seed and give them codes in random order."""
        generator = np.random.Generator(np.random.Philox(self.study.seed))
        chosen: list[Image] = []
        for stratum in self.study.strata.all():
            taken = [image.pk for image in chosen]
            candidates = list(stratum.candidates().exclude(pk__in=taken).order_by("pixel_sha256"))
            if len(candidates) < stratum.count:
                raise JobFailed(f"“{stratum.dataset}” no longer has {stratum.count} usable images.")
            picks = generator.permutation(len(candidates))[: stratum.count]
            chosen.extend(candidates[pick] for pick in picks)
        codes = generator.permutation(len(chosen))
        StudyImage.objects.bulk_create(
            StudyImage(study=self.study, image=image, code=f"I{code + 1:04}")
            for image, code in zip(chosen, codes, strict=True)
        )

    @transaction.atomic
    def _fix(self) -> None:
        study = Study.objects.select_for_update().get(pk=self.study.pk)
        study.state = Study.State.FROZEN
        study.frozen_at = timezone.now()
        study.order_version = ordering.VERSION
        study.manifest_sha256 = manifest_sha256(study)
        study.save(update_fields=["state", "frozen_at", "order_version", "manifest_sha256"])
        for enrolment in study.enrolments.all():
            Sitting.make(enrolment)
        AuditEvent.record(study, self.requested_by, "frozen", manifest_sha256=study.manifest_sha256)


def write_derivative(study_image: StudyImage, *, side: int, bits: int) -> None:
    with study_image.image.file.open("rb") as source:
        picture = blinded_derivative(decode_png(source.read()), side=side, bits=bits)
    study_image.derivative_sha256 = hashlib.sha256(picture).hexdigest()
    study_image.derivative.save("", ContentFile(picture), save=False)
    study_image.save(update_fields=["derivative", "derivative_sha256"])


def manifest_sha256(study: Study) -> str:
    """One digest over the protocol and every image's source and derivative."""
    images = study.images.values_list(
        "code", "role", "image__pixel_sha256", "derivative_sha256", "image__origin"
    )
    protocol = {"name": study.name, "seed": study.seed, "canvas": study.canvas, "order": ordering.VERSION}
    words = json.dumps([protocol, sorted(images)], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(words.encode()).hexdigest()
