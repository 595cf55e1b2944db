"""A folder or zip of a model, of LungRater or plain diffusers, as a checkpoint of this site; its code is never run."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO

from generation.diffusion.errors import CheckpointError
from generation.diffusion.exporting.model_files import INDEX
from generation.diffusion.exporting.pipeline_files import DESCRIPTION, imported
from generation.training.models import Checkpoint, TrainingRun

MOST_BYTES = 8 * 2**30  # of all files that are read, unpacked
MOST_MEMBERS = 1_000
# RuntimeError is a password's, NotImplementedError a way of packing that Python does not know.
DAMAGED = (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError)

OpenFile = Callable[[str], IO[bytes]]


def import_model(source: Path | IO[bytes], name: str, *, most: int = MOST_BYTES) -> Checkpoint:
    """The checkpoint's row, of a folder, or of a zip by its path or as an open file. Raises CheckpointError.

    Its weights go from file to file in pieces; `most` limits what is unpacked on the way.
    """
    if exists(name):
        raise CheckpointError(f"There is a model {name!r} already; choose another name.")
    with contextlib.ExitStack() as files:
        if isinstance(source, Path) and source.is_dir():
            return _stored(_of_folder(source, files), name)
        title = source.name if isinstance(source, Path) else "The file"
        try:
            archive = files.enter_context(zipfile.ZipFile(source))
            return _stored(_of_zip(archive, files, most), name)
        except DAMAGED as error:
            raise CheckpointError(f"{title} is neither a folder nor a zip that can be read.") from error


def exists(name: str) -> bool:
    """Whether a model, a run or a checkpoint, has this name."""
    return TrainingRun.objects.filter(name=name).exists() or Checkpoint.objects.filter(name=name).exists()


def _stored(open_file: OpenFile, name: str) -> Checkpoint:
    model = imported(open_file)
    with tempfile.NamedTemporaryFile(suffix=".safetensors") as weights:
        weights.writelines(model.weights)
        weights.flush()
        return Checkpoint.store(name, model.description, Path(weights.name))


def _of_folder(folder: Path, files: contextlib.ExitStack) -> OpenFile:
    def open_file(name: str) -> IO[bytes]:
        try:
            return files.enter_context((folder / name).open("rb"))
        except OSError as error:
            raise KeyError(name) from error

    return open_file


def _folder_of(names: list[str]) -> str:
    """Where the description lies, or in a plain pipeline of diffusers its index."""
    for description in (DESCRIPTION, INDEX):
        for name in names:
            if name.rpartition("/")[2] == description:
                return name.removesuffix(description)
    return ""


def _of_zip(archive: zipfile.ZipFile, files: contextlib.ExitStack, most: int) -> OpenFile:
    """Files lie at the top of the zip or in its one folder, wherever the description lies.

    Each that is wanted is unpacked to a file without a name, as a reader jumps about in it.
    """
    names = archive.namelist()
    if len(names) > MOST_MEMBERS:
        raise CheckpointError(f"The zip holds more than {MOST_MEMBERS:,} files; a pipeline has a few.")
    prefix = _folder_of(names)
    room = most

    def open_file(name: str) -> IO[bytes]:
        nonlocal room
        entry = archive.getinfo(prefix + name)
        room -= entry.file_size  # more than its head says, zipfile does not unpack
        if room < 0:
            raise CheckpointError(f"What is in the zip is larger than {most / 2**30:.3g} GB.")
        unpacked: IO[bytes] = files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115  (the stack closes it)
        with archive.open(entry) as packed:
            shutil.copyfileobj(packed, unpacked)
        unpacked.seek(0)
        return unpacked

    return open_file
