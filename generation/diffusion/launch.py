"""Training in a process of its own, so that a worker never holds the model and its end ends the training."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
import psutil

from generation.diffusion.config import TrainingConfig
from generation.diffusion.data.training_images import TrainingImages
from generation.diffusion.errors import TrainingFailedError
from generation.diffusion.finetuning.config import FineTuneConfig
from generation.diffusion.progress import OnProgress, Progress

if TYPE_CHECKING:
    from generation.diffusion.run import OnCheckpoint

ROOT = Path(__file__).resolve().parents[2]
ORDER, LOG = "order", "training.log"
CONFIG, PIXELS, CLASSES, HOOK = "config.json", "pixels.npy", "classes.npy", "hook.pickle"
ATTRIBUTES = "attributes.npy"
TEXTS = "texts.json"  # that of each image, and the folder of the encoder
FINETUNING = "finetuning.json"  # the prompts, and the folder of the pipeline
AUTOENCODER = "autoencoder.txt"  # its folder
PARENT = "parent.txt"  # the folder of the checkpoint whose weights a new run starts with
SAVES_WITHIN = 120.0
# Seconds: several processes may wait for each other for ever, at their start as at their end. Each wait is shorter than
# the silence for which a worker ends itself (`jobs/workers/hanging.py`); between two of them it is told of the start.
JOINS_WITHIN, SILENT_AT_MOST, ENDS_WITHIN = 240.0, 900.0, 30.0
WRITES_WHERE_IT_STOOD_WITHIN = 1.0
MOST_CRASHES = 3
SILENT = -1000  # an ending's code, which no signal has


def train_apart(
    config: TrainingConfig | FineTuneConfig,
    images: TrainingImages,
    run: Path,
    *,
    pipeline: Path | None = None,
    parent: Path | None = None,
    on_progress: OnProgress | None = None,
    on_checkpoint: OnCheckpoint | None = None,
    processes: int | None = None,
) -> Path:
    """What `train` does, in another process, or one for each GPU; `processes` says how many instead.

    Where `on_progress` raises, that process is told to save and stop. One that is killed, or that says nothing for too
    long and is killed for it, is started again, from its last checkpoint, three times at most without getting further.
    Raises TrainingFailedError.
    """
    order = _write_order(config, images, run / ORDER, on_checkpoint, pipeline)
    if parent is not None:
        (order / PARENT).write_text(str(parent))
    crashes, furthest = 0, -1
    while True:
        ending = _Ending()
        with contextlib.closing(_told_by(_command(order, processes), run, ending)) as words:
            for progress in words:
                if progress.step > furthest and progress.checkpoint is not None:
                    crashes, furthest = 0, progress.step
                if on_progress is not None:
                    on_progress(progress)
        if ending.folder is not None:
            shutil.rmtree(order)
            return ending.folder
        crashes += 1
        if ending.sentence or not ending.killed or crashes >= MOST_CRASHES:
            raise TrainingFailedError(ending.sentence or _last_words(run, ending.code))
        if on_progress is not None:
            on_progress(_starts_again(ending.code, furthest))


class _Ending:
    """How a training process ended: with a checkpoint, with a sentence, or by itself."""

    folder: Path | None = None
    sentence = ""
    code = 0

    def said(self, word: LastWordJSON) -> None:
        self.sentence = word.get("failed", "")
        self.folder = Path(word["done"]) if "done" in word else None

    @property
    def killed(self) -> bool:
        return self.code < 0 or self.code > 128


def _write_order(
    config: TrainingConfig | FineTuneConfig,
    images: TrainingImages,
    order: Path,
    on_checkpoint: OnCheckpoint | None,
    pipeline: Path | None,
) -> Path:
    shutil.rmtree(order, ignore_errors=True)
    order.mkdir(parents=True)
    (order / CONFIG).write_text(json.dumps(config.as_json()))
    np.save(order / PIXELS, images.pixels)
    if images.classes is not None:
        np.save(order / CLASSES, images.classes)
    if images.attributes is not None:
        np.save(order / ATTRIBUTES, images.attributes)
    if images.text_encoder is not None:
        texts = {"encoder": str(images.text_encoder), "texts": list(images.texts)}
        (order / TEXTS).write_text(json.dumps(texts))
    if images.autoencoder is not None:
        (order / AUTOENCODER).write_text(str(images.autoencoder))
    if pipeline is not None:
        task = {"pipeline": str(pipeline), "prompts": list(images.prompts)}
        (order / FINETUNING).write_text(json.dumps(task))
    (order / HOOK).write_bytes(pickle.dumps(on_checkpoint))
    return order


def _command(order: Path, processes: int | None) -> list[str]:
    words = ["-m", "generation.diffusion.process", str(order)]
    return [sys.executable, *words, *(["--processes", str(processes)] if processes else [])]


def _told_by(command: list[str], run: Path, ending: _Ending) -> Generator[Progress, None, None]:
    """What a training process says, word by word. It reads its standard input, which ends when this process does."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    with (
        (run / LOG).open("ab") as log,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,  # Ctrl-C and the end of a worker's group are not for it: it has to save first
            env={**os.environ, "PYTHONPATH": path},
        ) as child,
    ):
        try:
            for word in _words(child):
                ending.said(word)
                if "step" in word:
                    yield _progress(word)
            ending.code = child.wait(ENDS_WITHIN)
        except (Empty, subprocess.TimeoutExpired):
            _kill(child)
            ending.code = SILENT
        finally:
            _end(child)


def _words(child: subprocess.Popen[str]) -> Iterator[Any]:
    """What it says, to the end of its output. Raises Empty where the next word does not come in time."""
    lines: SimpleQueue[str] = SimpleQueue()
    output, child.stdout = child.stdout, None  # from here on the thread's, to the end

    def read() -> None:
        with output or io.StringIO() as said:
            for line in said:
                lines.put(line)
        lines.put("")

    threading.Thread(target=read, daemon=True).start()
    # Of several machines, somebody has to start the others.
    patience = SILENT_AT_MOST if os.environ.get("TORCHRUN") else JOINS_WITHIN
    while line := lines.get(timeout=patience):
        if line.startswith("{"):
            yield (word := json.loads(line))
            patience = ENDS_WITHIN if word.keys() & {"done", "failed"} else SILENT_AT_MOST


def _end(child: subprocess.Popen[str]) -> None:
    """Let it save and stop; it is not waited for without end."""
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(SAVES_WITHIN)
        except subprocess.TimeoutExpired:
            _kill(child)


def _kill(child: subprocess.Popen[str]) -> None:
    """With its own children, as torchrun gives each a session of its own; first they write into their log where they stand."""
    processes = [*psutil.Process(child.pid).children(recursive=True), psutil.Process(child.pid)]
    for number in (signal.SIGUSR1, signal.SIGKILL):
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        psutil.wait_procs(processes, timeout=WRITES_WHERE_IT_STOOD_WITHIN)


class LastWordJSON(TypedDict, total=False):
    """How it ended: the folder of its checkpoint, or a sentence; neither in a word before the last."""

    done: str
    failed: str


class ProgressJSON(TypedDict):
    """A progress as one process says it to another, a line each; a loss that is no number is null."""

    step: int
    loss: float | None
    learning_rate: float
    images_per_second: float
    checkpoint: str | None
    metrics: Mapping[str, object]
    memory_mb: float
    note: str
    preparing: str


def as_words(progress: Progress) -> ProgressJSON:
    """A progress as JSON can hold it; the samples lie beside the checkpoint."""
    return {
        "step": progress.step,
        "loss": progress.loss if math.isfinite(progress.loss) else None,
        "learning_rate": progress.learning_rate,
        "images_per_second": progress.images_per_second,
        "checkpoint": str(progress.checkpoint) if progress.checkpoint else None,
        "metrics": progress.metrics,
        "memory_mb": progress.memory_mb,
        "note": progress.note,
        "preparing": progress.preparing,
    }


def _progress(word: ProgressJSON) -> Progress:
    return Progress(
        word["step"],
        math.nan if word["loss"] is None else word["loss"],
        word["learning_rate"],
        word["images_per_second"],
        Path(word["checkpoint"]) if word["checkpoint"] else None,
        metrics=word["metrics"],
        memory_mb=word["memory_mb"],
        note=word["note"],
        preparing=word["preparing"],
    )


def _starts_again(code: int, furthest: int) -> Progress:
    """From the checkpoint of the step `furthest`, which the curve goes on from too, or -1 where it has told of none."""
    why = "said nothing for minutes" if code == SILENT else "was killed"
    if furthest < 0:
        return Progress.beside_the_steps(f"Starting again, as the training process {why}")
    again = f"The training process {why} and is started again from step {furthest:,}."
    return replace(Progress.beside_the_steps(""), step=furthest, note=again)


def _last_words(run: Path, code: int) -> str:
    lines = [line.strip() for line in (run / LOG).read_text(errors="replace").splitlines() if line.strip()]
    if code == SILENT:
        return "The training processes said nothing for minutes, several times, and were ended; their log says where they stood."
    if code in {-signal.SIGKILL, 128 + signal.SIGKILL}:
        return "The training process was killed several times, perhaps because memory ran out; choose a smaller batch."
    return f"The training process ended with code {code}: {lines[-1][:300] if lines else 'it said nothing'}"
