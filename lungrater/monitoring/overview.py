"""Health for people: each part of the site with its state and one sentence, and what needs an admin's hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import Count, Sum
from django.utils import timezone

from accounts.sign_in.addresses import mail_is_set_up
from audit.guard import UNGUARDED, is_guarded
from jobs import disk_space
from jobs.models import Job
from jobs.tasks import job_kinds
from lungrater.embedded import redis
from lungrater.embedded.migrate import tables_are_up_to_date
from lungrater.monitoring.signs_of_life import BACKUP, BEAT, MAIL, SignOfLife
from lungrater.monitoring.site_state import BEAT_GONE_AFTER, SiteState
from lungrater.monitoring.versions import versions
from lungrater.monitoring.worker_presence import WorkerPresence
from pool.models import Dataset

GREEN, AMBER, RED = "green", "amber", "red"
STATES = {GREEN: "Well", AMBER: "Soon", RED: "Needs a hand"}
ICONS = {
    "Database": "disk",
    "Broker": "log",
    "Queue": "make",
    "Clock": "clock",
    "Disk": "disk",
    "Mail": "mail",
    "Backup": "copy",
    "Trail": "shield",
}
BACKUP_OLD_AFTER = timedelta(days=7)
DISK_SOON = 0.2
FAILED_SINCE = timedelta(days=7)
MOST_FAILED = 20


@dataclass(frozen=True, slots=True)
class PartState:
    name: str
    state: str
    sentence: str

    @property
    def word(self) -> str:
        return STATES[self.state]

    @property
    def icon(self) -> str:
        return ICONS.get(self.name.split()[0], "health")


@dataclass(frozen=True, slots=True)
class FailedJob:
    """Of a job that failed in the last week: its kind and number; what it is about stays its members'."""

    kind: str
    number: int
    at: object
    error: str


def parts(site: SiteState) -> list[PartState]:
    """Every part, in the order in which one depends on the other."""
    return [
        PartState("Web", GREEN, f"serves, version {versions()['LungRater']}"),
        _database(),
        _broker(),
        *_workers(site),
        _clock(site),
        _disk(site),
        _mail(site),
        _backup(site),
        PartState("Trail", GREEN, "guarded: the site's own role cannot change it")
        if is_guarded()
        else PartState("Trail", AMBER, UNGUARDED),
    ]


def _database() -> PartState:
    if tables_are_up_to_date():
        return PartState("Database", GREEN, f"PostgreSQL {versions()['PostgreSQL']}, tables up to date")
    return PartState("Database", RED, "its tables are older than the code: run “lungrater migrate”")


def _broker() -> PartState:
    if redis.answers(settings.CELERY_BROKER_URL):
        return PartState("Broker", GREEN, "answers")
    return PartState("Broker", RED, "does not answer: no job begins, ratings are taken all the same")


def _workers(site: SiteState) -> Iterator[PartState]:
    for name, queue in site.queues.items():
        if queue.has_worker:
            yield PartState(f"Queue {name}", GREEN, _waits(queue.waiting, queue.oldest_seconds))
        elif queue.waiting or name == "cpu":
            yield PartState(f"Queue {name}", RED, f"no worker serves it; {queue.waiting} waiting")
        else:
            yield PartState(f"Queue {name}", AMBER, "no worker serves it; nothing waits")


def _waits(waiting: int, seconds: float | None) -> str:
    if seconds is None:
        return "nothing waits"
    return f"{waiting} waiting, the oldest for {seconds / 60:.0f} min"


def _clock(site: SiteState) -> PartState:
    sign = site.signs.get(BEAT)
    if sign is None or site.now - sign.at > BEAT_GONE_AFTER:
        return PartState("Clock", RED, "hands out no tasks: what is left behind is not swept up")
    return PartState("Clock", GREEN, "hands out tasks")


def _disk(site: SiteState) -> PartState:
    sentence = f"{site.disk_free:.0%} free"
    if shortage := disk_space.shortage():
        return PartState("Disk", RED, shortage)
    return PartState("Disk", AMBER if site.disk_free < DISK_SOON else GREEN, sentence)


def _mail(site: SiteState) -> PartState:
    if not mail_is_set_up():
        return PartState(
            "Mail",
            AMBER,
            "not set up: links are handed over by you, codes are not offered; EMAIL_URL sets it up",
        )
    state = _by_sign("Mail", site.signs.get(MAIL), never="none sent yet", worked="last sent")
    if state.state == GREEN and settings.DEFAULT_FROM_EMAIL.rstrip("> ").endswith("@localhost"):
        sender = f"mails are from {settings.DEFAULT_FROM_EMAIL}, which many servers refuse; DEFAULT_FROM_EMAIL names another"
        return PartState("Mail", AMBER, f"{state.sentence}; {sender}")
    return state


def _backup(site: SiteState) -> PartState:
    sign = site.signs.get(BACKUP)
    never = "none made yet: the command “lungrater backup FILE” makes one on the server, while the site runs"
    state = _by_sign("Backup", sign, never=never, worked="last made", unknown=AMBER)
    if state.state == GREEN and sign is not None and site.now - sign.at > BACKUP_OLD_AFTER:
        return PartState("Backup", AMBER, state.sentence)
    return state


def _by_sign(
    name: str, sign: SignOfLife | None, *, never: str, worked: str, unknown: str = GREEN
) -> PartState:
    if sign is None:
        return PartState(name, unknown, never)
    at = f"{sign.at:%Y-%m-%d %H:%M} UTC"
    if sign.problem:
        last = f"{worked} {sign.worked_at:%Y-%m-%d %H:%M} UTC" if sign.worked_at else never
        return PartState(name, RED, f"failed at {at}: {sign.problem}; {last}")
    return PartState(name, GREEN, f"{worked} {at}")


def workers() -> list[WorkerPresence]:
    return list(WorkerPresence.objects.all())


def failed_jobs() -> list[FailedJob]:
    """The latest that failed in the last week, of every kind."""
    since = timezone.now() - FAILED_SINCE
    rows = [
        FailedJob(str(kind._meta.verbose_name), job.pk, job.finished_at, job.error)
        for kind in job_kinds()
        for job in kind.objects.filter(state=Job.State.FAILED, finished_at__gte=since).order_by(
            "-finished_at"
        )[:MOST_FAILED]
    ]
    return sorted(rows, key=lambda row: str(row.at), reverse=True)[:MOST_FAILED]


@dataclass(frozen=True, slots=True)
class StorageUse:
    """What a dataset's images take; `measured` of its `images` have been measured so far."""

    dataset: str
    images: int
    measured: int
    size: int


def storage() -> list[StorageUse]:
    """Each dataset, largest first."""
    rows = Dataset.objects.order_by().values_list(
        "name", Count("images"), Count("images__file_bytes"), Sum("images__file_bytes", default=0)
    )
    return sorted((StorageUse(*row) for row in rows), key=lambda use: (-use.size, use.dataset))
