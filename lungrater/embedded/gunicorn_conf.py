"""How gunicorn serves LungRater; see https://docs.gunicorn.org/en/stable/settings.html."""

import ctypes
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from lungrater.embedded.metrics_folder import shared_metrics_folder

# gthread, with an end to the patience with slow clients.
worker_class = "lungrater.embedded.web_worker.BoundedWorker"
logger_class = "lungrater.embedded.web_log.WebLog"
workers = int(os.environ.get("WEB_CONCURRENCY", min(4, max(2, os.cpu_count() or 1))))
threads = 8
# The project is read once and shared by the workers, which halves the start on a small machine.
preload_app = True
# glibc gives each of the threads a heap of its own and keeps what a large page has used of it: two are enough.
ARENAS, M_ARENA_MAX = 2, -8
if sys.platform == "linux":
    getattr(ctypes.CDLL(None), "mallopt", lambda *_: 0)(M_ARENA_MAX, ARENAS)
# A rater thinks between two images; a fresh connection each time would cost a round trip or three.
keepalive = 75
# On SIGTERM, posts under way may finish; `lungrater up` allows a little longer than this before SIGKILL.
graceful_timeout = 3
timeout = 120
# The workers' signs of life are files; on a slow disk writing them could look like a hang.
in_memory = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  (gunicorn makes unguessable names)
worker_tmp_dir = in_memory
# The processes count their requests in files there, so that /metrics tells of all of them whoever answers. Where there
# is no room in memory, the site serves all the same, and /metrics tells of the process that answers: on a full disk, a
# file that is mapped into memory would end its process.
metrics_folder = shared_metrics_folder(in_memory)
if metrics_folder:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = metrics_folder
# No access log: paths hold login links and image tokens, which must not be kept.
accesslog = None
control_socket_disable = True


def when_ready(_server: Any) -> None:
    """The master has read the project and has no worker yet."""
    from lungrater.embedded.shared_modules import load_shared_modules

    load_shared_modules()


def on_exit(_server: Any) -> None:
    if metrics_folder:
        shutil.rmtree(metrics_folder, ignore_errors=True)
