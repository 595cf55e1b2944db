"""What the tables say of the work: who serves which queue, what waits, since when, and what last went well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from audit.guard import is_guarded
from jobs import disk_space
from jobs.tasks import job_kinds
from jobs.workers.heartbeat import GONE_AFTER, WorkerHeartbeat
from lungrater.embedded.commands import QUEUES
from lungrater.monitoring.signs_of_life import BACKUP, BEAT, MAIL, SignOfLife

# Imports, freezes and the sweep wait in it: a site without a worker for it stands still.
ESSENTIAL = "cpu"
BEAT_GONE_AFTER = timedelta(seconds=60)
BACKUP_TOO_OLD = timedelta(hours=30)
# A training of a day may hold up the next one; longer than this, somebody should look.
WAITS_TOO_LONG = timedelta(days=1)
MOST_COUNTED = 1000


@dataclass(frozen=True)
class QueueState:
    """`waiting` is counted up to a thousand a kind of job; seconds are None where there is nothing to tell."""

    waiting: int
    oldest_seconds: float | None
    worker_seconds: float | None

    @property
    def has_worker(self) -> bool:
        return self.worker_seconds is not None and self.worker_seconds < GONE_AFTER


@dataclass(frozen=True)
class SiteState:
    queues: dict[str, QueueState]
    signs: dict[str, SignOfLife]
    now: datetime
    disk_free: float
    trail_is_guarded: bool

    @property
    def missing(self) -> list[str]:
        return list(self._missing())

    def _missing(self) -> Iterator[str]:
        for name, queue in self.queues.items():
            if (queue.waiting or name == ESSENTIAL) and not queue.has_worker:
                yield f"worker for {name}"
        beat = self._seconds_since(BEAT)
        if beat is None or beat > BEAT_GONE_AFTER.total_seconds():
            yield "beat"
        if settings.BACKUP_URL and self._backup_is_bad():
            yield "backup"
        if (self.oldest_job_seconds or 0) > WAITS_TOO_LONG.total_seconds():
            yield "progress: a job has waited for more than a day"

    def _backup_is_bad(self) -> bool:
        """The last nightly one failed, or is too old; of a site that never had one the clock and the workers tell."""
        sign = self.signs.get(BACKUP)
        return sign is not None and (bool(sign.problem) or self.now - sign.at > BACKUP_TOO_OLD)

    @property
    def oldest_job_seconds(self) -> float | None:
        waits = [queue.oldest_seconds for queue in self.queues.values() if queue.oldest_seconds is not None]
        return max(waits, default=None)

    def as_json(self) -> dict[str, object]:
        return {
            "queues": {
                name: {
                    "waiting": queue.waiting,
                    "oldest_seconds": queue.oldest_seconds,
                    "worker_seconds": queue.worker_seconds,
                }
                for name, queue in self.queues.items()
            },
            "oldest_job_seconds": self.oldest_job_seconds,
            "beat_seconds": self._seconds_since(BEAT),
            "disk_free": round(self.disk_free, 3),
            "trail_guarded": self.trail_is_guarded,
            "last_backup": self._last(BACKUP),
            "last_mail": self._last(MAIL),
        }

    def _seconds_since(self, part: str) -> float | None:
        sign = self.signs.get(part)
        return None if sign is None else seconds_between(sign.at, self.now)

    def _last(self, part: str) -> dict[str, object] | None:
        sign = self.signs.get(part)
        if sign is None:
            return None
        return {
            "at": sign.at.isoformat(),
            "ok": not sign.problem,
            "last_ok": sign.worked_at.isoformat() if sign.worked_at else None,
        }


def site_state() -> SiteState:
    """As the tables are now. Raises DatabaseError where they cannot be read."""
    now = timezone.now()
    worker_times = {row.queue: row.at for row in WorkerHeartbeat.objects.all()}
    waiting: dict[str, list[datetime]] = {queue: [] for queue in QUEUES}
    for kind in job_kinds():
        for job in kind.objects.waiting().order_by("created_at")[:MOST_COUNTED]:
            waiting.setdefault(job.queue, []).append(job.created_at)
    queues = {
        name: QueueState(
            waiting=len(times),
            oldest_seconds=seconds_between(min(times), now) if times else None,
            worker_seconds=seconds_between(worker_times[name], now) if name in worker_times else None,
        )
        for name, times in waiting.items()
    }
    signs = {sign.part: sign for sign in SignOfLife.objects.all()}
    return SiteState(queues, signs, now, disk_space.free_share(), is_guarded())


def seconds_between(earlier: datetime, later: datetime) -> float:
    return round(max(0.0, (later - earlier).total_seconds()), 1)
