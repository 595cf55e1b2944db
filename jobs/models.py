"""The state machine every long piece of work shares: import, generation, training.

The row is the truth, the broker only rings the bell: a worker claims a row by a conditional update,
heartbeats while it works, and a row whose heartbeat has gone stale is queued again. A paused row waits for a
person: no worker and no sweep touches it.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, ClassVar, Self, TypeVar

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection, models, transaction
from django.db.models.functions import Now
from django.utils import timezone

from jobs import disk_space
from jobs.enqueue import enqueue
from jobs.texts import readable
from jobs.workers import hanging
from jobs.workers.runners import runner_of

logger = logging.getLogger(__name__)

HEARTBEAT_EVERY = timedelta(seconds=5)
STALE_AFTER = timedelta(seconds=30)
WAIT_FOR_DATABASE = timedelta(seconds=30)
MOST_WORKER_LOSSES = 5
LOOK_FOR_ROOM_EVERY = 5.0
# Set once this worker is told to end.
shutting_down = threading.Event()


class JobCancelledError(Exception):
    """A person asked for this job to stop; what it has committed stays."""


class JobLostError(Exception):
    """Another worker has taken this job over; this one must not write any more."""


class JobFailedError(Exception):
    """The job cannot go on; the message is one sentence a person can act on."""


class JobPausedError(Exception):
    """Only a person can help the job on; the message is one sentence that says with what."""


class JobNeedsRoomError(JobPausedError):
    """The disk is too full to go on; the sweep lets the job go on once there is room."""

    def __init__(self, shortage: str = disk_space.NO_ROOM_LEFT) -> None:
        super().__init__(disk_space.waiting(shortage))


class JobStepsAsideError(Exception):
    """Others go first; the job waits for its next turn and then makes what is missing."""


Kind = TypeVar("Kind", bound="Job")


class JobQuerySet(models.QuerySet[Kind]):
    def visible_to(self, person: Any) -> Self:
        """Those this person asked for, and those of nothing but subjects they have a part in."""
        return self._of(person, "visible_to")

    def editable_by(self, person: Any) -> Self:
        """Those this person asked for, and those of subjects they may change: to stop, resume, repeat."""
        return self._of(person, "editable_by")

    def _of(self, person: Any, part: str) -> Self:
        subjects_in_reach = models.Q()
        for name in self.model.subjects:
            subject: Any = self.model._meta.get_field(name).related_model
            subjects_in_reach &= models.Q(**{f"{name}__in": getattr(subject.objects, part)(person)})
        return self.filter(subjects_in_reach | models.Q(requested_by=person.pk))

    def owned_by(self, job: Job) -> Self:
        """The job's row as long as it is at work by this very claim of it."""
        return self.filter(pk=job.pk, state=Job.State.RUNNING, attempts=job.attempts)

    def waiting(self) -> Self:
        return self.filter(state=Job.State.QUEUED)

    def active(self) -> Self:
        return self.filter(state__in=[Job.State.QUEUED, Job.State.RUNNING])

    def paused(self) -> Self:
        return self.filter(state=Job.State.PAUSED)

    def unfinished(self) -> Self:
        return self.filter(state__in=[Job.State.QUEUED, Job.State.RUNNING, Job.State.PAUSED])

    def waiting_for_room(self) -> Self:
        return self.paused().filter(error__startswith=disk_space.WAITS_FOR_ROOM)

    def stale(self) -> Self:
        return self.filter(state=Job.State.RUNNING, heartbeat_at__lt=Now() - STALE_AFTER)

    def requeue_stale(self) -> int:
        """Queue again what a dead worker left running; give up on what kills every worker."""
        self.stale().filter(worker_losses__gte=MOST_WORKER_LOSSES - 1).update(
            state=Job.State.FAILED,
            error=f"The worker stopped without a word {MOST_WORKER_LOSSES} times; see the worker's log.",
            finished_at=Now(),
        )
        return self.stale().update(
            state=Job.State.QUEUED,
            worker_losses=models.F("worker_losses") + 1,
            message="Queued again: its worker went away.",
        )

    def resume_with_room(self) -> int:
        """Queue again what waited for room on the disk, where there is some now."""
        if not self.waiting_for_room().exists() or disk_space.shortage(disk_space.GOES_ON_AT):
            return 0
        return self.waiting_for_room().update(
            state=Job.State.QUEUED, error="", message="Queued again: there is room on the disk."
        )


class Job(models.Model):
    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        PAUSED = "paused"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"

    state = models.CharField(max_length=9, choices=State, default=State.QUEUED, editable=False)
    done = models.PositiveIntegerField(default=0, editable=False)
    total = models.PositiveIntegerField(default=0, editable=False)
    message = models.CharField(max_length=200, blank=True, editable=False)
    error = models.TextField(blank=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    # How many workers went away over this job since it last got on.
    worker_losses = models.PositiveSmallIntegerField(default=0, editable=False, db_column="deaths")
    cancel_requested = models.BooleanField(default=False, editable=False)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    started_at = models.DateTimeField(null=True, editable=False)
    heartbeat_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)

    objects: ClassVar[Any] = JobQuerySet.as_manager()

    on_beat: Callable[[Job], None] | None = None  # for whoever watches from this very process
    task: ClassVar[str]  # the name of the Celery task that does it; its module registers the runner
    subjects: ClassVar[tuple[str, ...]]  # the fields that name the datasets or the study it is of
    queue: str = "cpu"  # which workers it waits for
    fills_the_disk: ClassVar[bool] = False  # whether it stops, and waits, where little room is left
    room_checked: float | None = None  # when it last looked for room, by this process's clock
    # Whether it saves what it has and waits for another worker when its own is told to end.
    leaves_early: ClassVar[bool] = False
    beats: int = 0  # how often the work itself said in this process that it goes on

    class Meta:
        abstract = True
        ordering = ["-created_at"]

    def get_absolute_url(self) -> str:
        """The page on which people follow it: its own, or that of what it is of."""
        raise NotImplementedError

    def enqueue(self) -> None:
        """Tell a worker, once the row is committed, that this job waits."""
        enqueue(self.task, self.pk, queue=self.queue)

    def in_turn(self) -> Job | None:
        """The job that has its turn where this one waits: this one, unless its kind serves in another order."""
        return self

    @property
    def is_active(self) -> bool:
        return self.state in {self.State.QUEUED, self.State.RUNNING}

    @property
    def is_unfinished(self) -> bool:
        """Whether there is something to stop: it waits, is at work or is paused."""
        return self.is_active or self.state == self.State.PAUSED

    @property
    def has_stopped(self) -> bool:
        """Whether it stands still before its end, so that it may be let go on."""
        return self.state in {self.State.PAUSED, self.State.FAILED, self.State.CANCELLED}

    @property
    def percent(self) -> int:
        return 100 * self.done // self.total if self.total else 0

    def submit(self) -> None:
        """Save the row and tell a worker after the commit."""
        self.save()
        transaction.on_commit(self.enqueue)

    def claim(self) -> bool:
        """True when this process, and no other, now owns the job."""
        waiting = type(self).objects.filter(pk=self.pk, state=self.State.QUEUED)
        with transaction.atomic():  # one commit for the claim and its line in the log
            won = waiting.update(
                state=self.State.RUNNING,
                attempts=models.F("attempts") + 1,
                started_at=Now(),
                heartbeat_at=Now(),
                error="",
                message="",  # that it was queued again is over
            )
            if won:
                self.refresh_from_db()
                again = f" for the {_nth(self.attempts)} time" if self.attempts > 1 else ""
                self.log(f"Started{again} on {socket.gethostname()}.")
        return bool(won)

    def log(self, text: str, *, by: Any = None) -> None:
        """Note what happened, in words; a kind of job that shows its log to people keeps it in a table."""
        logger.info("%s %s: %s", type(self).__name__, self.pk, text)

    def beat(self, *, done: int | None = None, message: str | None = None) -> None:
        """Say that the work goes on; raises JobCancelledError, JobLostError, JobStepsAsideError or JobNeedsRoomError when it must not."""
        self.beats += 1
        values: dict[str, object] = {"heartbeat_at": Now()}
        if done is not None:
            if done > self.done:
                values["worker_losses"] = 0
            values["done"] = self.done = done
        if message is not None:
            values["message"] = self.message = readable(message)[:200]
        own_row = type(self).objects.owned_by(self)
        if not own_row.filter(cancel_requested=False).update(**values):
            raise JobCancelledError if own_row.exists() else JobLostError
        if self.leaves_early and shutting_down.is_set():
            raise JobStepsAsideError("Queued again: its worker was stopped.")
        if self.on_beat:
            self.on_beat(self)
        if self.fills_the_disk:
            self._look_for_room()

    def _look_for_room(self) -> None:
        if self.room_checked is None or time.monotonic() - self.room_checked > LOOK_FOR_ROOM_EVERY:
            if shortage := disk_space.shortage():
                raise JobNeedsRoomError(shortage)
            self.room_checked = time.monotonic()

    def perform(self) -> bool:
        """Claim the job and see it to its end; safe to call twice and from any worker. True if it was ours."""
        if not self.claim():
            return False
        try:
            with kept_alive(self):
                runner_of(type(self))(self)
        except Exception as error:
            if not self._end_with(JobNeedsRoomError() if disk_space.is_out_of_room(error) else error):
                raise
        else:
            self._finish(self.State.SUCCEEDED)
        return True

    def _end_with(self, error: Exception) -> bool:
        """Write down how the work ended that raised this; whether that is among what may happen to a job."""
        if isinstance(error, JobLostError):
            return True
        if isinstance(error, JobCancelledError | JobPausedError):
            paused = isinstance(error, JobPausedError)
            self._finish(self.State.PAUSED if paused else self.State.CANCELLED, error=str(error))
            return True
        if isinstance(error, JobStepsAsideError):
            self._wait_again(str(error))
            return True
        # Where the database answers (a deadlock), trying again at once would go on for ever.
        if isinstance(error, OperationalError | InterfaceError) and not connection.is_usable():
            logger.warning("%s %s: the database went away", type(self).__name__, self.pk, exc_info=error)
            self._wait_again("Queued again: the database went away.")
            return True
        self._finish(self.State.FAILED, error=as_sentence(error))
        return isinstance(error, JobFailedError)

    def _wait_again(self, message: str) -> None:
        """Back into the queue with what was made; where the database stays away, the sweep does it later."""
        own_row = type(self).objects.owned_by(self)
        deadline = time.monotonic() + WAIT_FOR_DATABASE.total_seconds()
        while True:
            try:
                if not connection.in_atomic_block:
                    connection.close_if_unusable_or_obsolete()
                if own_row.update(state=self.State.QUEUED, message=readable(message)[:200]):
                    self.refresh_from_db()
                    self.log(message)
                    self.enqueue()
                return
            except (OperationalError, InterfaceError):
                if connection.in_atomic_block or time.monotonic() > deadline:
                    raise
                connection.close()
                time.sleep(0.5)

    def resume(self, *, by: Any = None, enqueue: bool = True) -> bool:
        """Let a paused, failed or cancelled job make what it lacks; True unless it is active or done."""
        states = [self.State.PAUSED, self.State.FAILED, self.State.CANCELLED]
        with transaction.atomic():
            resumed = bool(
                type(self)
                .objects.filter(pk=self.pk, state__in=states)
                .update(
                    state=self.State.QUEUED,
                    cancel_requested=False,
                    worker_losses=0,
                    error="",
                    message="",
                    finished_at=None,
                )
            )
            if resumed and enqueue:
                transaction.on_commit(self.enqueue)
        return resumed

    def request_cancel(self, *, by: Any = None) -> None:
        """Stop a queued or paused job at once, a running one between two pieces of work."""
        rows = type(self).objects.filter(pk=self.pk)
        idle = rows.filter(state__in=[self.State.QUEUED, self.State.PAUSED])
        if not idle.update(state=self.State.CANCELLED, finished_at=Now()):
            rows.filter(state=self.State.RUNNING).update(cancel_requested=True)

    def _finish(self, state: State, *, error: str = "") -> None:
        own_row = type(self).objects.owned_by(self)
        ended = own_row.update(
            state=state, error=readable(error), finished_at=None if state == self.State.PAUSED else Now()
        )
        self.refresh_from_db()
        if ended:
            self.log(f"{self.State(state).label}. {error or self.message}".strip())

    @property
    def seconds_left(self) -> float | None:
        """Time to go at the pace so far, or None while there is no pace."""
        if self.state != self.State.RUNNING or not self.done or not self.started_at:
            return None
        elapsed = (timezone.now() - self.started_at).total_seconds()
        return elapsed / self.done * (self.total - self.done)


@contextlib.contextmanager
def kept_alive(job: Job) -> Iterator[None]:
    """The job's heart beats in this block even while the work is busy with one long thing, for a while.

    A thread with a connection of its own writes the beat; whether the job is still ours, the work asks itself.
    """
    over = threading.Event()
    heart = threading.Thread(target=_keep_beating, args=(job, over), daemon=True, name=f"heart of {job}"[:40])
    heart.start()
    try:
        yield
    finally:
        over.set()
        heart.join()


def _keep_beating(job: Job, over: threading.Event) -> None:
    own_row = type(job).objects.owned_by(job)
    # In beats of this heart, not in seconds: a process that was suspended has not been silent meanwhile.
    heard, silent, most_silent = job.beats, 0, hanging.LONGEST_SILENCE / HEARTBEAT_EVERY
    try:
        while not over.wait(HEARTBEAT_EVERY.total_seconds()):
            silent = silent + 1 if job.beats == heard else 0
            heard = job.beats
            if silent > most_silent:
                hanging.end_process(f"{type(job).__name__} {job.pk}")
                return  # another worker may have it
            try:
                own_row.update(heartbeat_at=Now())
            except DatabaseError:
                connection.close()
    finally:
        connection.close()


def _nth(number: int) -> str:
    return {2: "second", 3: "third", 4: "fourth"}.get(number, f"{number}th")


def as_sentence(error: Exception) -> str:
    text = readable(str(error)).strip()
    return text if isinstance(error, JobFailedError) and text else f"{type(error).__name__}: {text}"[:500]
