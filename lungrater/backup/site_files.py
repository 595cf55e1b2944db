"""The files of a site: those in the storage that rows name, and the models in the home's folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.files.storage import Storage, default_storage
from django.db import models

from audit.verification import Discrepancy


def file_fields() -> Iterator[tuple[type[models.Model], models.FileField]]:
    """Every column of the site that names a file in the storage."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, models.FileField) and not model._meta.proxy:
                yield model, field


def named_files() -> list[str]:
    """The files in the storage that rows name. Thumbnails are not among them: they are made again when asked for."""
    names: set[str] = set()
    for model, field in file_fields():
        rows = model._base_manager.exclude(**{field.attname: ""}).order_by()
        names.update(rows.values_list(field.attname, flat=True).iterator(chunk_size=10_000))
    return sorted(name for name in names if name)


def size_of(name: str, storage: Storage = default_storage) -> int | None:
    """In bytes; None where the storage does not have the file."""
    try:
        return storage.size(name)
    except FileNotFoundError:
        return None


def lost_files(storage: Storage = default_storage) -> Iterator[Discrepancy]:
    """Every file that a row names and the storage does not have, or has without content."""
    for model, field in file_fields():
        rows = model._base_manager.exclude(**{field.attname: ""}).order_by("pk")
        for key, name in rows.values_list("pk", field.attname).iterator(chunk_size=10_000):
            size = size_of(name, storage)
            if not size:
                fault = "is lost" if size is None else "is empty"
                yield Discrepancy(f"{model._meta.verbose_name} {key}", f"its file {name} {fault}.")


def models_folder() -> Path:
    return Path(settings.MODELS_DIR)


def model_files() -> list[Path]:
    """Pipelines, LoRAs, runs under way, downloaded weights: all below the folder, as paths within it."""
    root = models_folder()
    if not root.is_dir():
        return []
    return sorted(
        (Path(folder) / name).relative_to(root)
        for folder, _folders, names in os.walk(root)
        for name in names
        if (Path(folder) / name).is_file()
    )


def storage_is_empty(storage: Storage = default_storage) -> bool:
    try:
        folders, names = storage.listdir("")
    except FileNotFoundError:
        return True
    return not folders and not names
