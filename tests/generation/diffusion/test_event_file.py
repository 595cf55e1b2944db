"""A run's TensorBoard file, read back by TensorBoard itself and held against the run's own words."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboardX.record_writer import RecordWriter

from generation.diffusion import checkpoint
from generation.diffusion.event_file import FOLDER
from generation.diffusion.learner import Learner
from generation.diffusion.progress import Progress
from generation.diffusion.run import TrainingStoppedError, train
from tests.generation.tiny import bright_squares, tiny_config


def measured(_learner: Learner[Any], step: int) -> Mapping[str, object]:
    return {
        "extractor": {"name": "phantom-64"},
        "fid": 100.0 - step,
        "kid": 1 / step,
        "validation_loss": 2.0 / step,
        "memorisation": {"copies": step, "of": 10},
    }


class Listener:
    """Writes down every word, and stops the run at a step."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.words: dict[int, Progress] = {}
        self.stop_at = stop_at

    def __call__(self, progress: Progress) -> None:
        if progress.preparing:
            return
        self.words[progress.step] = progress
        if progress.step == self.stop_at:
            raise TrainingStoppedError


def series(run: Path, tag: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in events(run).Scalars(tag)]


def events(run: Path) -> EventAccumulator:
    return EventAccumulator(str(run / FOLDER)).Reload()


def test_tensorboard_reads_the_numbers_and_the_samples_that_the_run_has_of_itself(tmp_path: Path) -> None:
    config, listener = tiny_config(), Listener()

    train(config, bright_squares(config), tmp_path, on_progress=listener, on_checkpoint=measured)

    words = listener.words
    losses, rates = dict(series(tmp_path, "loss/training")), dict(series(tmp_path, "learning rate"))
    assert list(losses) == list(rates) == list(range(1, 7))
    assert losses == pytest.approx({step: word.loss for step, word in words.items()}, rel=1e-6)
    assert rates == pytest.approx({step: word.learning_rate for step, word in words.items()}, rel=1e-6)
    expected = {
        "FD/phantom-64": {3: 97, 6: 94},
        "KD/phantom-64": {3: 1 / 3, 6: 1 / 6},
        "loss/validation": {3: 2 / 3, 6: 1 / 3},
        "copies among the samples": {3: 0.3, 6: 0.6},
    }
    for tag, values in expected.items():
        assert dict(series(tmp_path, tag)) == pytest.approx(values)
    strips = {image.step: image.encoded_image_string for image in events(tmp_path).Images("samples")}
    files = {step: tmp_path / checkpoint.name_of(step) / checkpoint.SAMPLES for step in (3, 6)}
    assert strips == {step: file.read_bytes() for step, file in files.items()}


def test_a_run_that_goes_on_has_every_step_once(tmp_path: Path) -> None:
    """It died after step 5, of which nothing but the checkpoint of step 3 is left."""
    config, listener = tiny_config(checkpoint_minutes=0.0), Listener()

    def die(progress: Progress) -> None:
        if progress.step == 5:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        train(config, bright_squares(config), tmp_path, on_progress=die, on_checkpoint=measured)
    train(config, bright_squares(config), tmp_path, on_progress=listener, on_checkpoint=measured)

    assert list(listener.words) == [4, 5, 6]
    assert [step for step, _ in series(tmp_path, "loss/training")] == [1, 2, 3, 4, 5, 6]
    assert [step for step, _ in series(tmp_path, "FD/phantom-64")] == [3, 6]


@pytest.mark.parametrize("full", ["from the start", "after a while", "when it is flushed"])
def test_a_file_that_cannot_be_written_leaves_the_run_as_it_is(
    full: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config(steps=2, checkpoint_every=2)
    expected = train(config, bright_squares(config), tmp_path / "free")
    written: list[bytes] = []
    write = RecordWriter.write

    def write_a_few(self: RecordWriter, data: bytes) -> None:
        written.append(data)
        if len(written) > 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, data)

    def refuse(_self: RecordWriter) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if full == "from the start":
        (tmp_path / "full").mkdir()
        (tmp_path / "full" / FOLDER).write_text("a file stands where the folder would be")
    monkeypatch.setattr(
        RecordWriter, *("write", write_a_few) if full == "after a while" else ("flush", refuse)
    )

    done = train(config, bright_squares(config), tmp_path / "full")

    assert (done / checkpoint.WEIGHTS).read_bytes() == (expected / checkpoint.WEIGHTS).read_bytes()
