"""How gunicorn serves LungRater; see https://docs.gunicorn.org/en/stable/settings.html."""

import os
from pathlib import Path

worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", min(4, max(2, os.cpu_count() or 1))))
threads = 8
# The project is read once and shared by the workers, which halves the start on a small machine.
preload_app = True
# A rater thinks between two images; a fresh connection each time would cost a round trip or three.
keepalive = 75
# On SIGTERM, posts under way may finish; `lungrater up` allows a little longer than this before SIGKILL.
graceful_timeout = 3
timeout = 120
# The workers' signs of life are files; on a slow disk writing them could look like a hang.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  (gunicorn makes unguessable names)
# No access log: paths hold login links and image tokens, which must not be kept.
accesslog = None
control_socket_disable = True
