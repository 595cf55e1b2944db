"""What a process of the site says that was started with an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from lungrater.embedded.urls import database_url

REPOSITORY = Path(__file__).resolve().parents[2]


def output_of(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "lungrater.settings"}
        | environment,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
