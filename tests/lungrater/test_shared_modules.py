"""What the web server's processes share is loaded before they part, and nothing that cannot be shared."""

import json
import subprocess
import sys
from pathlib import Path

from django.conf import settings

REPOSITORY = Path(__file__).resolve().parents[2]
WORDS = """
import gc, json, sys, threading
import lungrater.wsgi
from django.db import connections
from lungrater.embedded.shared_modules import load_shared_modules
load_shared_modules()
names = ["rating.views.analysis", "scipy.stats", "matplotlib.figure", "torch", "diffusers"]
print(json.dumps({
    "loaded": [name for name in names if name in sys.modules],
    "frozen": gc.get_freeze_count() > 100_000,
    "connected": [each.alias for each in connections.all() if each.connection],
    "threads": threading.active_count(),
}))
"""


def test_pages_and_what_draws_and_counts_are_shared_and_no_connection_or_thread() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WORDS],
        cwd=REPOSITORY,
        env={
            "PATH": "",
            "LUNGRATER_HOME": str(settings.HOME.root),
            "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    assert json.loads(done.stdout.splitlines()[-1]) == {
        "loaded": ["rating.views.analysis", "scipy.stats", "matplotlib.figure"],
        "frozen": True,
        "connected": [],
        "threads": 1,
    }
