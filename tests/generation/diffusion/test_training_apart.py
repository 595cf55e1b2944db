"""Training in processes of its own: stopped, killed, orphaned, and several together, it loses nothing."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file

from generation.diffusion import checkpoint, launch, process
from generation.diffusion.config import TrainingConfig
from generation.diffusion.errors import TrainingFailedError
from generation.diffusion.launch import train_apart
from generation.diffusion.networks.network import build
from generation.diffusion.progress import Progress
from generation.diffusion.run import train
from jobs.workers.hanging import LONGEST_SILENCE
from tests.generation.tiny import CLASSES, assert_same_weights, bright_squares, tiny_config

pytestmark = pytest.mark.e2e
PATIENCE = 300.0
PARENT = """
import sys
from pathlib import Path
from generation.diffusion.launch import train_apart
from tests.generation.tiny import bright_squares, tiny_config
config = tiny_config(steps=10**8, checkpoint_every=10**8, checkpoint_minutes=0.0)
train_apart(config, bright_squares(config), Path(sys.argv[1]), on_progress=lambda p: print(p.step, flush=True))
"""


class EnoughError(Exception):
    pass


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_run_stopped_and_killed_on_its_way_ends_with_the_very_weights_of_one_that_was_not(
    tmp_path: Path,
) -> None:
    config = tiny_config(classes=CLASSES, augment=0.5, accumulate=2, steps=9)
    images = bright_squares(config)
    unbroken = train(config, images, tmp_path / "unbroken")

    def stop(progress: Progress) -> None:
        if progress.step == 3:
            raise EnoughError

    def kill(progress: Progress) -> None:
        if progress.step == 6:
            for child in psutil.Process().children(recursive=True):
                if "generation.diffusion.process" in child.cmdline():
                    child.kill()

    with pytest.raises(EnoughError):
        train_apart(config, images, tmp_path / "broken", on_progress=stop)
    done = train_apart(config, images, tmp_path / "broken", on_progress=kill)

    assert done.name == unbroken.name == "step-00000009"
    assert_same_weights(unbroken, done)


def test_stopping_saves_the_very_step(tmp_path: Path) -> None:
    config = tiny_config(steps=10**8, checkpoint_every=10**8, checkpoint_minutes=0.0)
    steps: list[int] = []

    def stop(progress: Progress) -> None:
        steps.append(progress.step)
        if progress.step >= 5:
            raise EnoughError

    with pytest.raises(EnoughError):
        train_apart(config, bright_squares(config), tmp_path, on_progress=stop)

    assert saved_step(tmp_path) >= steps[-1]


def test_stopping_saves_the_autoencoder_at_its_very_step(tmp_path: Path) -> None:
    config = tiny_config(latent="own", latent_widths=(8, 8), patch=1, latent_steps=10**8)
    learning = "Learning the autoencoder"

    def stop(progress: Progress) -> None:
        if progress.preparing.startswith(learning) and not progress.preparing.startswith(
            f"{learning}: step 1 "
        ):
            raise EnoughError

    with pytest.raises(EnoughError):
        train_apart(config, bright_squares(config), tmp_path, on_progress=stop)

    assert checkpoint.config_of(tmp_path / "autoencoder-in-training")["step"] > 1


def test_a_run_that_ends_by_itself_leaves_no_word_of_a_crash(tmp_path: Path) -> None:
    config = tiny_config(steps=2, checkpoint_every=2)

    train_apart(config, bright_squares(config), tmp_path)

    assert "Fatal" not in (tmp_path / launch.LOG).read_text()


def saved_step(run: Path) -> int:
    newest = checkpoint.latest(run)
    assert newest is not None
    return int(checkpoint.config_of(newest)["step"])


def test_two_processes_learn_what_one_does(tmp_path: Path) -> None:
    config = tiny_config(classes=CLASSES, augment=0.5, steps=4)
    images = bright_squares(config)
    alone: dict[int, float] = {}
    together: dict[int, float] = {}

    one = train(config, images, tmp_path / "one", on_progress=lambda p: alone.update({p.step: p.loss}))
    two = train_apart(
        config,
        images,
        tmp_path / "two",
        processes=2,
        on_progress=lambda p: together.update({p.step: p.loss}),
    )

    assert together == pytest.approx({step: alone[step] for step in together}, rel=1e-5)
    assert 4 in together
    assert apart(load_file(one / checkpoint.WEIGHTS), load_file(two / checkpoint.WEIGHTS), config) < 0.1


def apart(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor], config: TrainingConfig) -> float:
    """How far two sets of weights lie apart, as a share of how far training moved them.

    Weight by weight they may not be compared: a bias in front of a normalisation has no gradient but rounding
    errors, and Adam takes whole steps in the direction of these.
    """
    start = build(config, seed=config.seed).state_dict()
    between, moved = (
        sum(float((other[name] - one[name]).square().sum()) for name in start) for other in (two, start)
    )
    return math.sqrt(between / moved)


def test_an_error_of_training_comes_back_as_its_sentence(tmp_path: Path) -> None:
    config = tiny_config(learning_rate=1e30, clip_gradient=1e30, steps=60, checkpoint_every=60)

    with pytest.raises(TrainingFailedError, match="lower learning_rate"):
        train_apart(config, bright_squares(config), tmp_path)


def test_a_process_that_dies_each_time_is_not_started_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []

    def dies(_order: Path, _processes: int | None) -> list[str]:
        started.append("once more")
        return [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]

    monkeypatch.setattr(launch, "_command", dies)

    with pytest.raises(TrainingFailedError, match="killed several times"):
        train_apart(tiny_config(), bright_squares(tiny_config()), tmp_path)
    assert len(started) == launch.MOST_CRASHES


SILENT = """
import json, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", sys.argv[2]], start_new_session=True)
for word in json.loads(sys.argv[1]):
    print(json.dumps(word), flush=True)
print(child.pid, flush=True)
time.sleep(600)
"""


AT_FIVE = launch.as_words(Progress(5, 0.5, 1e-4, 1.0, Path("step-5")))


@pytest.mark.parametrize(
    ("words", "patience", "again"),
    [
        ([], "JOINS_WITHIN", (0, "Starting again, as the training process said nothing for minutes")),
        (
            [{"joined": 2}],
            "SILENT_AT_MOST",
            (0, "Starting again, as the training process said nothing for minutes"),
        ),
        (
            [AT_FIVE],
            "SILENT_AT_MOST",
            (5, "The training process said nothing for minutes and is started again from step 5."),
        ),
    ],
    ids=["at its start", "later", "after a checkpoint"],
)
def test_processes_that_wait_for_each_other_for_ever_are_ended_and_started_again(
    words: list[dict[str, object]],
    patience: str,
    again: tuple[int, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The worker that waits for them is told each time, so that it does not end itself for a silence of several times."""
    started: list[str] = []
    heard: list[Progress] = []

    def silent(_order: Path, _processes: int | None) -> list[str]:
        started.append("once more")
        return [sys.executable, "-c", SILENT, json.dumps(words), str(tmp_path)]

    monkeypatch.setattr(launch, "_command", silent)
    monkeypatch.setattr(launch, patience, 3.0)

    with pytest.raises(TrainingFailedError, match="said nothing for minutes, several times"):
        train_apart(tiny_config(), bright_squares(tiny_config()), tmp_path, on_progress=heard.append)

    assert len(started) == launch.MOST_CRASHES
    restarts = [(word.step, word.note or word.preparing) for word in heard if word.note or word.preparing]
    assert restarts == [again] * (launch.MOST_CRASHES - 1)
    until(lambda: not left_behind(tmp_path))


def test_silent_processes_are_ended_before_the_worker_that_waits_for_them_ends_itself() -> None:
    longest = max(launch.JOINS_WITHIN, launch.SILENT_AT_MOST) + launch.ENDS_WITHIN + launch.SAVES_WITHIN
    assert LONGEST_SILENCE.total_seconds() > longest


def test_processes_that_do_not_end_have_done_what_they_said_they_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [{"joined": 2}, {"done": str(tmp_path / "step-3")}]
    monkeypatch.setattr(
        launch, "_command", lambda *_: [sys.executable, "-c", SILENT, json.dumps(words), str(tmp_path)]
    )
    monkeypatch.setattr(launch, "ENDS_WITHIN", 0.5)

    assert train_apart(tiny_config(), bright_squares(tiny_config()), tmp_path) == tmp_path / "step-3"

    until(lambda: not left_behind(tmp_path))


def left_behind(run: Path) -> list[psutil.Process]:
    """The processes of this test that have not ended."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if process != psutil.Process() and str(run) in (process.info["cmdline"] or ())
    ]


@pytest.fixture
def parent(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that trains without end in another."""
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(command, cwd=launch.ROOT, stdout=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_training_ends_with_the_process_that_wanted_it_once_its_very_step_is_saved(
    tmp_path: Path, parent: subprocess.Popen[bytes]
) -> None:
    assert parent.stdout
    step = next(step for step in map(int, parent.stdout) if step > 0)
    trainers = psutil.Process(parent.pid).children(recursive=True)

    os.kill(parent.pid, signal.SIGKILL)
    until(lambda: not any(trainer.is_running() and trainer.status() != "zombie" for trainer in trainers))

    assert trainers
    assert saved_step(tmp_path) >= step


@pytest.mark.parametrize(
    ("environment", "flags"),
    [
        ("", ["--standalone", "--nproc-per-node=3"]),
        (
            "--nnodes=2 --node-rank=0 --rdzv-endpoint='host:29500'",
            ["--nnodes=2", "--node-rank=0", "--rdzv-endpoint=host:29500", "--nproc-per-node=3"],
        ),
        ("--nnodes=2 --nproc-per-node 8", ["--nnodes=2", "--nproc-per-node", "8"]),
    ],
)
def test_torchruns_own_flags_reach_torchrun(
    environment: str, flags: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []
    monkeypatch.setenv("TORCHRUN", environment)
    monkeypatch.setattr(os, "execve", lambda _file, command, _environment: commands.append(command))

    process._become_many(3, tmp_path)

    module = ["-m", "generation.diffusion.process", str(tmp_path)]
    assert commands == [[sys.executable, "-m", "torch.distributed.run", *flags, *module]]
