"""The job that makes a dataset ready to be given away, and the zip that it leaves for a while."""

from __future__ import annotations

import uuid
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar, Self

from django.core.files.storage import default_storage
from django.db import models, transaction
from django.db.models.functions import Now
from django.urls import reverse

from jobs.models import Job, JobQuerySet
from pool.publication.slug import slug_of

STAYS_FOR = timedelta(days=7)


def release_path(_job: models.Model, _filename: str) -> str:
    return f"releases/{uuid.uuid4().hex}.zip"


class DatasetReleaseQuerySet(JobQuerySet["DatasetRelease"]):
    def outdated(self) -> Self:
        """Whose file has lain long enough to be fetched."""
        return self.exclude(file="").filter(finished_at__lt=Now() - STAYS_FOR)

    def drop_files(self) -> None:
        """Delete the files of these; whoever wants one again makes it again."""
        with transaction.atomic():
            for pk, name in list(self.exclude(file="").values_list("pk", "file")):
                self.model._default_manager.filter(pk=pk).update(file="", croissant="")
                transaction.on_commit(partial(default_storage.delete, name))


class DatasetRelease(Job):
    """One making of a dataset's release."""

    class Format(models.TextChoices):
        PNG = "png", "PNG, as deep as the images are"
        DICOM = "dicom", "DICOM secondary capture"

    dataset = models.ForeignKey("pool.Dataset", on_delete=models.CASCADE, related_name="releases")
    image_format = models.CharField("images as", max_length=5, choices=Format, default=Format.PNG)
    file = models.FileField(upload_to=release_path, max_length=200, blank=True, editable=False)
    file_bytes = models.PositiveBigIntegerField(null=True, editable=False)
    sha256 = models.CharField(max_length=64, blank=True, editable=False)
    marks = models.CharField(max_length=300, blank=True, editable=False)  # on each synthetic file, in words
    slug = models.CharField(max_length=60, blank=True, editable=False)  # of the dataset's name of that day
    croissant = models.TextField(blank=True, editable=False)  # bound to the zip, beside which it lies

    task = "pool.publication.tasks.run_release_job"
    subjects = ("dataset",)
    fills_the_disk = True

    objects: ClassVar[Any] = DatasetReleaseQuerySet.as_manager()

    class Meta(Job.Meta):
        abstract = False
        app_label = "pool"

    def __str__(self) -> str:
        return f"Release of “{self.dataset}”"

    def get_absolute_url(self) -> str:
        return reverse("pool:release", args=[self.pk])

    @property
    def zip_name(self) -> str:
        """What the zip is called once it is fetched, and in its Croissant."""
        return f"{self._slug}.zip"

    @property
    def croissant_name(self) -> str:
        return f"{self._slug}.croissant.json"

    @property
    def _slug(self) -> str:
        return self.slug or slug_of(self.dataset.name)

    @property
    def is_dropped(self) -> bool:
        """Whether it was made and its file is deleted since."""
        return self.state == self.State.SUCCEEDED and not self.file
