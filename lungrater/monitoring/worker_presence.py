"""Each worker by name: which queues it serves, on which GPU, in which version, and when it last gave a sign of life."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import threading
from datetime import timedelta
from typing import Any

from celery.signals import worker_ready, worker_shutting_down
from django.contrib.postgres.fields import ArrayField
from django.db import Error, connection, models
from django.db.models.functions import Now
from django.utils import timezone

from lungrater.monitoring.versions import VERSION

EVERY = 10.0
GONE_AFTER = timedelta(seconds=30)
FORGOTTEN_AFTER = timedelta(days=7)
GPU_ANSWERS_WITHIN = 5.0
_over = threading.Event()


class WorkerPresence(models.Model):
    name = models.CharField(max_length=200, primary_key=True)
    queues = ArrayField(models.CharField(max_length=20), default=list)
    gpu = models.CharField(max_length=200, blank=True)
    version = models.CharField(max_length=40, blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_gone(self) -> bool:
        return timezone.now() - self.at > GONE_AFTER


def note_worker(name: str, queues: list[str], gpu: str) -> None:
    """This worker is there; what has not been seen for a week is forgotten."""
    values = {"queues": sorted(queues), "gpu": gpu, "version": VERSION, "at": Now()}
    WorkerPresence.objects.update_or_create(name=name[:200], defaults=values)
    WorkerPresence.objects.filter(at__lt=timezone.now() - FORGOTTEN_AFTER).delete()


def gpu_name() -> str:
    """What the driver calls the GPUs of this machine; empty without one. Asked of the driver: torch need not be there."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    words = [program, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        answer = subprocess.run(words, capture_output=True, text=True, timeout=GPU_ANSWERS_WITHIN, check=True)
        return "; ".join(answer.stdout.strip().splitlines())[:200]
    return ""


@worker_ready.connect
def stay_present(sender: Any, **_: Any) -> None:
    queues = list(sender.app.amqp.queues.consume_from)
    threading.Thread(
        target=_stay, args=(sender.hostname, queues), daemon=True, name="worker-presence"
    ).start()


@worker_shutting_down.connect
def leave(**_: Any) -> None:
    _over.set()


def _stay(name: str, queues: list[str]) -> None:
    gpu = gpu_name()
    while not _over.is_set():
        with contextlib.suppress(Error):
            note_worker(name, queues, gpu)
        connection.close()
        _over.wait(EVERY)
    with contextlib.suppress(Error):
        WorkerPresence.objects.filter(name=name).delete()
    connection.close()
