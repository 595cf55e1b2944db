"""The job that puts a study's bundle together, and the file that it leaves for a while."""

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
from rating.studies.study import Study

STAYS_FOR = timedelta(days=7)


def bundle_path(_job: models.Model, _filename: str) -> str:
    return f"bundles/{uuid.uuid4().hex}.zip"


class BundleJobQuerySet(JobQuerySet["BundleJob"]):
    def with_file(self) -> Self:
        return self.exclude(file="")

    def outdated(self) -> Self:
        """Whose file has lain long enough to be fetched."""
        return self.with_file().filter(finished_at__lt=Now() - STAYS_FOR)

    def drop_files(self) -> int:
        """Delete the files of these; how many. Whoever wants one again makes it again."""
        rows = list(self.with_file().values_list("pk", "file"))
        with transaction.atomic():
            for pk, name in rows:
                self.model._default_manager.filter(pk=pk).update(file="")
                transaction.on_commit(partial(default_storage.delete, name))
        return len(rows)


class BundleJob(Job):
    """One making of a study's bundle, as of one moment of the database."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="bundles")
    with_images = models.BooleanField(
        "all images",
        default=False,
        help_text="Every image as raters saw it; without, those that the report's galleries show.",
    )
    file = models.FileField(upload_to=bundle_path, max_length=200, blank=True, editable=False)
    file_bytes = models.PositiveBigIntegerField(null=True, editable=False)
    sha256 = models.CharField(max_length=64, blank=True, editable=False)
    with_truth = models.BooleanField(default=False, editable=False)
    verified = models.BooleanField(null=True, editable=False)  # None until it is made

    task = "rating.results.export.tasks.run_bundle_job"
    subjects = ("study",)
    fills_the_disk = True

    objects: ClassVar[Any] = BundleJobQuerySet.as_manager()

    class Meta(Job.Meta):
        abstract = False

    def __str__(self) -> str:
        return f"Bundle of “{self.study}”"

    def get_absolute_url(self) -> str:
        return reverse("rating:bundle", args=[self.pk])

    @property
    def is_dropped(self) -> bool:
        """Whether it was made and its file is deleted since."""
        return self.state == self.State.SUCCEEDED and not self.file

    @property
    def file_name(self) -> str:
        return f"lungrater-{self.study.slug}.zip"
