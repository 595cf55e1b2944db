"""`python -m generation.diffusion.process ORDER`: a run as launch.py ordered it, told as JSON lines.

With several GPUs, or with --processes, it becomes torchrun with so many of itself, which accelerate joins. Torchrun's own
flags, such as those of several machines, stand in the environment as TORCHRUN; the other machines run torchrun with
this module and the same order, on a disk that all share. SIGTERM makes it save and stop, and so does the end of its
standard input, that is, of whoever started it.
"""

from __future__ import annotations

import argparse
import faulthandler
import fcntl
import json
import os
import pickle
import shlex
import signal
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from generation.diffusion import launch
from generation.diffusion.config import TrainingConfig
from generation.diffusion.data.training_images import TrainingImages
from generation.diffusion.distributed_group import group_of_environment
from generation.diffusion.errors import TrainingStoppedError, sentence_of
from generation.diffusion.finetuning.config import FineTuneConfig
from generation.diffusion.progress import Progress
from generation.diffusion.run_config import RunConfig

SAID_EVERY = 0.2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("order", type=Path)
    parser.add_argument("--processes", type=int, help="how many train together (default: one a GPU)")
    options = parser.parse_args()
    config = _config(options.order)
    if "WORLD_SIZE" not in os.environ:
        many = _processes(options.processes, config)
        if many > 1 or os.environ.get("TORCHRUN"):
            _become_many(many, options.order)
    faulthandler.register(signal.SIGUSR1)  # where each thread stands, into the run's log
    speaker = Speaker()
    if os.environ.get("GROUP_RANK", "0") == "0":  # on other machines torchrun itself notices an end
        threading.Thread(target=_stop_with_parent, args=(speaker,), daemon=True).start()
    signal.signal(signal.SIGTERM, speaker.stop)
    sys.exit(_trained(options.order, config, speaker))


def _config(order: Path) -> TrainingConfig | FineTuneConfig:
    settings = json.loads((order / launch.CONFIG).read_text())
    kind = FineTuneConfig if (order / launch.FINETUNING).exists() else TrainingConfig
    return kind.from_mapping(settings)


def _training_data(order: Path) -> tuple[TrainingImages, Path | None]:
    """The images, and for a fine-tuning the pipeline it starts from, else the checkpoint if it starts from one."""
    pixels = np.load(order / launch.PIXELS)
    if (order / launch.FINETUNING).exists():
        task = json.loads((order / launch.FINETUNING).read_text())
        return TrainingImages(pixels, prompts=task["prompts"]), Path(task["pipeline"])
    classes = np.load(order / launch.CLASSES) if (order / launch.CLASSES).exists() else None
    parent = order / launch.PARENT
    attributes = np.load(order / launch.ATTRIBUTES) if (order / launch.ATTRIBUTES).exists() else None
    words = json.loads((order / launch.TEXTS).read_text()) if (order / launch.TEXTS).exists() else None
    images = TrainingImages(pixels, classes, attributes=attributes)
    if (order / launch.AUTOENCODER).exists():
        images.autoencoder = Path((order / launch.AUTOENCODER).read_text())
    if words is not None:
        images.texts, images.text_encoder = words["texts"], Path(words["encoder"])
    return images, Path(parent.read_text()) if parent.exists() else None


def _trained(order: Path, config: TrainingConfig | FineTuneConfig, speaker: Speaker) -> int:
    # With the networks' libraries, seconds of a start, which a process that becomes torchrun never needs.
    from generation.diffusion.run import train

    try:
        group = group_of_environment()
        if group.rank == 0:
            speaker.say({"joined": group.size})
        images, start = _training_data(order)
        hook = pickle.loads((order / launch.HOOK).read_bytes())  # noqa: S301  (written by launch.py, in a folder of the site's own)
        with (order.parent / ".lock").open("w") as lock:
            if group.rank == 0:  # a process that lost its parent may still be writing its last checkpoint
                fcntl.flock(lock, fcntl.LOCK_EX)
            done = train(
                *(config, images, order.parent),
                pipeline=start,
                parent=start,
                on_progress=speaker,
                on_checkpoint=hook,
                group=group,
            )
    except TrainingStoppedError:
        return 0
    except BaseException as error:
        traceback.print_exc()
        speaker.say({"failed": sentence_of(error) or f"{type(error).__name__}: {error}"[:500]})
        return 1
    if group.rank == 0:
        speaker.say({"done": str(done)})
    return 0


class Speaker:
    """Says how the run goes, a few times a second; raises TrainingStoppedError once it is to stop."""

    def __init__(self) -> None:
        self.said, self.stopping = 0.0, False

    def stop(self, *_: object) -> None:
        self.stopping = True

    def __call__(self, progress: Progress) -> None:
        if progress.checkpoint or progress.note or time.monotonic() - self.said > SAID_EVERY:
            self.said = time.monotonic()
            self.say(launch.as_words(progress))
        if self.stopping:
            raise TrainingStoppedError

    def say(self, word: Mapping[str, object]) -> None:
        try:
            sys.stdout.write("\n" + json.dumps(word) + "\n")
            sys.stdout.flush()
        except BrokenPipeError:  # nobody listens any more: what is left to do is to save
            self.stopping = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _processes(requested: int | None, config: RunConfig) -> int:
    """as many as requested; else one for each GPU, as far as the batch can be shared evenly."""
    if requested:
        return requested
    return next(
        n
        for n in range(max(1, torch.cuda.device_count()), 0, -1)
        if config.batch % (config.accumulate * n) == 0
    )


def _become_many(many: int, order: Path) -> None:
    flags = shlex.split(os.environ.get("TORCHRUN", "")) or ["--standalone"]
    if not any(flag.startswith(("--nproc-per-node", "--nproc_per_node")) for flag in flags):
        flags.append(f"--nproc-per-node={many}")
    words = [*flags, "-m", "generation.diffusion.process", str(order)]
    cpu = {} if torch.cuda.is_available() else {"ACCELERATE_USE_CPU": "true"}
    command = [sys.executable, "-m", "torch.distributed.run", *words]
    os.execve(sys.executable, command, {**os.environ, **cpu})  # noqa: S606  (no shell is what is wanted)


def _stop_with_parent(speaker: Speaker) -> None:
    """Past Python's own buffer, whose lock a thread that waits for it would keep from the end of the process."""
    while os.read(0, 1024):
        pass
    speaker.stop()
    time.sleep(launch.SAVES_WITHIN)
    os._exit(1)


if __name__ == "__main__":
    main()
