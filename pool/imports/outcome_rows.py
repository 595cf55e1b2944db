"""What became of files that are no images of their own, a row each."""

from __future__ import annotations

from typing import Self

from django.db import models

from pool.imports.labels import ROW_WITHOUT_FILE


class FileOutcomeQuerySet(models.QuerySet["FileOutcome"]):
    def refused(self) -> Self:
        return self.filter(kind=FileOutcome.Kind.REFUSED)

    def of_files(self) -> Self:
        return self.exclude(reason=ROW_WITHOUT_FILE)

    def rows_without_file(self) -> Self:
        return self.filter(kind=FileOutcome.Kind.REFUSED, reason=ROW_WITHOUT_FILE)

    def duplicates(self) -> Self:
        return self.filter(kind=FileOutcome.Kind.DUPLICATE)

    def unchosen(self) -> Self:
        return self.filter(kind=FileOutcome.Kind.UNCHOSEN)


class FileOutcome(models.Model):
    """A file of an import that became no image of its own, and why; those that did are the job's images."""

    class Kind(models.TextChoices):
        DUPLICATE = "duplicate"
        REFUSED = "refused"
        UNCHOSEN = "unchosen"  # a slice of a series of which others were taken

    job = models.ForeignKey("pool.ImportJob", on_delete=models.CASCADE, related_name="outcomes")
    kind = models.CharField(max_length=9, choices=Kind)
    file = models.CharField(max_length=255)
    reason = models.CharField(max_length=500, blank=True)
    same_as = models.CharField(max_length=255, blank=True)
    added = models.CharField(max_length=100, blank=True)
    # Of the file's bytes, where those alone decided: then the same file need not be sent again.
    source_sha256 = models.CharField(max_length=64, blank=True, db_default="")

    objects = FileOutcomeQuerySet.as_manager()

    class Meta:
        app_label = "pool"
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=["duplicate", "refused", "unchosen"]),
                name="file_outcome_kind_known",
            ),
        ]
        indexes = [
            models.Index(fields=["job", "kind", "id"], name="file_outcome_list"),
            models.Index(
                fields=["source_sha256"], name="file_outcome_source", condition=~models.Q(source_sha256="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file}: {self.kind}"
