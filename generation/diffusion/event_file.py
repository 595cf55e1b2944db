"""A run as TensorBoard reads it: an event file for each time it goes on, in a folder beside its checkpoints."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from PIL import Image
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.summary_pb2 import Summary
from tensorboardX.record_writer import RecordWriter

from generation.diffusion import checkpoint
from generation.diffusion.kept_metric import by_extractor
from generation.diffusion.progress import Progress, Tell

logger = logging.getLogger(__name__)

FOLDER = "tensorboard"
FLUSH_EVERY = 10.0  # seconds; each waits for the disk


class EventFile:
    """Losses, rate, samples and distances by step. It never stops a run: what cannot be written is left out.

    The records are written in this thread by the library's plain writer: its SummaryWriter writes in one of its own,
    which dies of a full disk without a word, and its queue then waits for ever.
    """

    def __init__(self, run: Path, step: int, tell: Tell) -> None:
        self.folder, self.tell = run / FOLDER, tell
        self.flushed_at = time.monotonic()
        self.records: Any = None
        with self._failing_in_words():
            self.folder.mkdir(parents=True, exist_ok=True)
            self.records = RecordWriter(str(self.folder / f"events.out.tfevents.{time.time_ns()}.lungrater"))
            self._write(file_version="brain.Event:2")
        self.go_on_from(step)

    def go_on_from(self, step: int) -> None:
        """Whatever is written of later steps holds no more: they come again."""
        with self._failing_in_words():
            self._write(step=step + 1, session_log=SessionLog(status=SessionLog.START))

    def add(self, progress: Progress) -> None:
        """A word of the run, apart from what a checkpoint is measured by."""
        if progress.note:
            self.go_on_from(progress.step)
            return
        numbers = {
            "loss/training": progress.loss,
            "learning rate": progress.learning_rate,
            "images per second": progress.images_per_second,
        }
        self._add_numbers(progress.step, numbers)

    def add_checkpoint(self, step: int, folder: Path, metrics: Mapping[str, object]) -> None:
        """The samples and the measures of a checkpoint that stands in `folder`."""
        self._add_numbers(step, dict(numbers_of(metrics)))
        with self._failing_in_words():
            file = folder / checkpoint.SAMPLES
            with Image.open(file) as strip:
                (width, height), bands = strip.size, len(strip.getbands())
            image = Summary.Image(
                height=height, width=width, colorspace=bands, encoded_image_string=file.read_bytes()
            )
            self._write(step=step, summary=Summary(value=[Summary.Value(tag="samples", image=image)]))
            self._flush()

    def close(self) -> None:
        with self._failing_in_words():
            if self.records is not None:
                self._flush()
                self.records.close()
        self.records = None

    def _add_numbers(self, step: int, numbers: Mapping[str, float]) -> None:
        with self._failing_in_words():
            values = [Summary.Value(tag=tag, simple_value=number) for tag, number in numbers.items()]
            self._write(step=step, summary=Summary(value=values))
            if time.monotonic() - self.flushed_at > FLUSH_EVERY:
                self._flush()

    def _write(self, **event: object) -> None:
        if self.records is not None:
            self.records.write(Event(wall_time=time.time(), **event).SerializeToString())

    def _flush(self) -> None:
        if self.records is not None:
            self.flushed_at = time.monotonic()
            self.records.flush()

    @contextlib.contextmanager
    def _failing_in_words(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            records, self.records = self.records, None
            with contextlib.suppress(OSError, ValueError):
                if records is not None:
                    records.close()
            sentence = f"The TensorBoard file goes no further: {error}"
            logger.warning(sentence)  # into the run's training.log
            self.tell(sentence)


def numbers_of(metrics: Mapping[str, object]) -> Iterator[tuple[str, float]]:
    """What a checkpoint was measured by, under the names that TensorBoard shows; a distance is of its extractor."""
    if isinstance(loss := metrics.get("validation_loss"), float):
        yield "loss/validation", loss
    for extractor, distances in by_extractor(metrics):
        for tag, key in (("FD", "fid"), ("KD", "kid")):
            if isinstance(distance := distances.get(key), float):
                yield f"{tag}/{extractor}", distance
    scan = metrics.get("memorisation")
    if isinstance(scan, Mapping) and scan["of"]:
        yield "copies among the samples", scan["copies"] / scan["of"]
