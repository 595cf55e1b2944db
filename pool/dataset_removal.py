"""Taking a dataset out of the pool again that was brought in by mistake: the wrong folder, the wrong origin."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import Any

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import ManyToManyRel, ProtectedError

from audit import record
from pool.models import Dataset, Slice


class StillNeededError(Exception):
    """Something was built on the dataset; the message is one sentence."""


@transaction.atomic
def remove(dataset: Dataset, *, by: Any = None) -> None:
    """Delete a dataset, its images and their files; the log keeps what it was. Raises StillNeededError where anything was ever built on it."""
    dataset = Dataset.objects.select_for_update().get(pk=dataset.pk)
    if dataset.imports.active().exists():
        raise StillNeededError(f"An import into “{dataset}” is under way: cancel it first.")
    images = dataset.images.count()
    files = [name for image in dataset.images.all() for name in (str(image.file.name), image.thumbnail_path)]
    try:
        if any(getattr(dataset, str(field.get_accessor_name())).exists() for field in _many_to_many()):
            raise StillNeededError(_built_upon(dataset))
        record(dataset, by, "removed a dataset", name=dataset.name, origin=dataset.origin, images=images)
        files += dataset.images.with_values().values_list("values", flat=True)
        slices = Slice.objects.filter(image__dataset=dataset)
        for rows in (dataset.held_files.all(), slices):
            for names in rows.values_list("file", "values").iterator(chunk_size=2000):
                files += [str(name) for name in names if name]
        dataset.held_files.all().delete()
        dataset.images.all().delete()
        dataset.imports.all().delete()
        dataset.delete()
    except ProtectedError as error:
        raise StillNeededError(_built_upon(dataset)) from error
    transaction.on_commit(partial(_drop, files))


def _many_to_many() -> list[ManyToManyRel]:
    """What names datasets in a list, which the database would let forget this one."""
    return [field for field in Dataset._meta.related_objects if isinstance(field, ManyToManyRel)]


def _built_upon(dataset: Dataset) -> str:
    return (
        f"“{dataset}” cannot be removed: a study, a model, a report or generated images rest on it. "
        "Leave single images out instead."
    )


def _drop(files: list[str]) -> None:
    for name in files:
        with contextlib.suppress(OSError):  # an orphan is no harm
            default_storage.delete(name)
