"""A folder or zip that LungRater exported, here or elsewhere, as a checkpoint of this site; its code is never run."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from generation.diffusion.errors import CheckpointError
from generation.diffusion.exporting.pipeline_files import DESCRIPTION, imported
from generation.training.models import Checkpoint, TrainingRun

MOST_BYTES = 8 * 2**30  # of one file
# RuntimeError is a password's, NotImplementedError a way of packing that Python does not know.
DAMAGED = (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError)


def import_model(path: Path, name: str) -> Checkpoint:
    """The checkpoint's row. Raises CheckpointError."""
    if TrainingRun.objects.filter(name=name).exists() or Checkpoint.objects.filter(name=name).exists():
        raise CheckpointError(f"There is a model {name!r} already; choose another name.")
    if path.is_dir():
        model = imported(_of_folder(path))
    else:
        try:
            with zipfile.ZipFile(path) as archive:
                model = imported(_of_zip(archive))
        except DAMAGED as error:
            raise CheckpointError(f"{path.name} is neither a folder nor a zip that can be read.") from error
    return Checkpoint.store(name, model.description, model.weights)


def _of_folder(folder: Path) -> Callable[[str], bytes]:
    def read(name: str) -> bytes:
        try:
            return (folder / name).read_bytes()
        except OSError as error:
            raise KeyError(name) from error

    return read


def _of_zip(archive: zipfile.ZipFile) -> Callable[[str], bytes]:
    """Files lie at the top of the zip or in its one folder, wherever the description lies."""
    inside = next(
        (name for name in archive.namelist() if name.rpartition("/")[2] == DESCRIPTION), DESCRIPTION
    )
    prefix = inside.removesuffix(DESCRIPTION)

    def read(name: str) -> bytes:
        entry = archive.getinfo(prefix + name)
        if entry.file_size > MOST_BYTES:
            raise CheckpointError(f"{name} in the zip is larger than {MOST_BYTES // 2**30} GB.")
        return archive.read(entry)

    return read
