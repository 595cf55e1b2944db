"""frd-score in an environment of its own, as a program that takes images and gives rows of features.

pyradiomics asks for versions and builds that nothing here should hang on, so that it is not imported but run.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from generation.metrics.feature_extractor import no_heartbeat
from generation.metrics.radiomics.frd import PROGRAM, VERSION
from pool.canonical.pixels import Pixels, encode_png, fitted_square

CHILD = Path(__file__).with_name("frd_child.py")
LARGEST_SIDE = 256
AT_ONCE = 32
SECONDS_FOR_A_BATCH = 300.0


class RadiomicsError(Exception):
    """The program cannot be used; the message is one sentence."""


def radiomic_features(
    python: Path, images: Iterable[Pixels], *, side: int, heartbeat: Callable[[], None] = no_heartbeat
) -> NDArray[np.float64]:
    """(n, features) of the images as grey squares of `side`, at most LARGEST_SIDE. Raises RadiomicsError."""
    if not python.is_file():
        raise RadiomicsError(f"There is no Python of {PROGRAM} at {python}.")
    rows: list[list[float]] = []
    with tempfile.TemporaryDirectory(prefix="lungrater-frd-") as folder, _started(python, folder) as child:
        try:
            _check_version(_answer(child))
            for batch in _batches(images):
                rows += _measured(child, Path(folder), batch, min(side, LARGEST_SIDE))
                heartbeat()
        except BaseException:
            child.kill()
            raise
        finally:
            cast("IO[str]", child.stdin).close()
    if len({len(row) for row in rows}) > 1:
        raise RadiomicsError(f"{PROGRAM} gave rows of different lengths.")
    return np.array(rows, dtype=np.float64)


def _batches(images: Iterable[Pixels]) -> Iterator[list[Pixels]]:
    source = iter(images)
    while batch := list(islice(source, AT_ONCE)):
        yield batch


def _started(python: Path, folder: str) -> subprocess.Popen[str]:
    """It inherits nothing of this process's environment but where programs are."""
    return subprocess.Popen(
        [str(python), "-I", str(CHILD)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env={"PATH": os.defpath, "HOME": folder, "TMPDIR": folder, "OMP_NUM_THREADS": "1"},
        text=True,
    )


def _measured(
    child: subprocess.Popen[str], folder: Path, batch: Iterable[Pixels], side: int
) -> list[list[float]]:
    paths = []
    for place, image in enumerate(batch):
        path = folder / f"{place}.png"
        path.write_bytes(encode_png(fitted_square(image, side=side)))
        paths.append(str(path))
    try:
        stdin = cast("IO[str]", child.stdin)
        stdin.write(json.dumps(paths) + "\n")
        stdin.flush()
    except BrokenPipeError as error:
        raise RadiomicsError(f"{PROGRAM} ended while it measured.") from error
    rows = _answer(child)
    if not isinstance(rows, list) or len(rows) != len(paths):
        raise RadiomicsError(f"{PROGRAM} gave an answer that makes no sense.")
    return rows


def _answer(child: subprocess.Popen[str]) -> Any:
    """The next line as JSON. Raises RadiomicsError where none comes in time."""
    alarm = threading.Timer(SECONDS_FOR_A_BATCH, child.kill)
    alarm.start()
    try:
        line = cast("IO[str]", child.stdout).readline()
    finally:
        alarm.cancel()
    if not line:
        raise RadiomicsError(f"{PROGRAM} ended, or took longer than {SECONDS_FOR_A_BATCH:g} seconds.")
    try:
        return json.loads(line)
    except ValueError as error:
        raise RadiomicsError(f"{PROGRAM} gave an answer that makes no sense.") from error


def _check_version(answer: Any) -> None:
    if not isinstance(answer, dict) or "error" in answer:
        sentence = answer.get("error", "") if isinstance(answer, dict) else ""
        raise RadiomicsError(f"{PROGRAM} does not start: {sentence}.")
    if answer.get("version") != VERSION:
        raise RadiomicsError(f"RADIOMICS_PYTHON has frd-score {answer.get('version')}, not {VERSION}.")
