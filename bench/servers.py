"""Web servers side by side under the same raters: gunicorn as `lungrater up` starts it, its other workers, granian.

    python bench/servers.py [--raters 32] [--images 400] [--seconds 15] [--only WORD …]

One study for all; each server in turn is read from by every rater in a closed loop, as in bench/load.py. granian is
not among this project's dependencies: where it is not installed, it is left out.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.load import Rater, processor_seconds, pss_mib, read, study, summary, web
from bench.rating_page import home

APPLICATION = "lungrater.wsgi:application"
GUNICORN = ["-m", "gunicorn", "--config", "python:lungrater.embedded.gunicorn_conf"]
WARM_SECONDS = 2.0


def servers() -> dict[str, list[str]]:
    """The command line of each, but for the program, the host and the port."""

    def gunicorn(kind: str, workers: int, threads: int) -> list[str]:
        return [
            *(*GUNICORN, "--worker-class", kind, "--workers", str(workers), "--threads", str(threads)),
            *("--bind", "{host}:{port}", APPLICATION),
        ]

    ours = "lungrater.embedded.web_worker.BoundedWorker"
    granian = ["-m", "granian", "--interface", "wsgi", "--host", "{host}", "--port", "{port}"]
    return {
        "gunicorn, 2 × 8 threads": gunicorn(ours, 2, 8),
        "gunicorn, 2 × 4 threads": gunicorn(ours, 2, 4),
        "gunicorn, 2 × 3 threads": gunicorn(ours, 2, 3),
        "gunicorn, 2 × 2 threads": gunicorn(ours, 2, 2),
        "gunicorn, 3 × 4 threads": gunicorn(ours, 3, 4),
        "gunicorn, 4 × 2 threads": gunicorn(ours, 4, 2),
        "gunicorn, gthread 2 × 8": gunicorn("gthread", 2, 8),
        "gunicorn, sync 4": gunicorn("sync", 4, 1),
        "granian, 2 × 8 threads": [*granian, "--workers", "2", "--blocking-threads", "8", APPLICATION],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--raters", type=int, default=32)
    parser.add_argument("--images", type=int, default=400, help="in each rater's one sitting")
    parser.add_argument("--seconds", type=float, default=15, help="of each server")
    parser.add_argument("--only", nargs="*", default=[], help="words of which a server's name has one")
    options = parser.parse_args()
    with home():
        slug, sessions = study(options.raters, options.images)
        for name, command in servers().items():
            if find_spec(command[1]) and (not options.only or any(word in name for word in options.only)):
                print(
                    json.dumps({"server": name, **measured(command, slug, sessions, options.seconds)}),
                    flush=True,
                )


def measured(command: list[str], slug: str, sessions: list[str], seconds: float) -> dict[str, Any]:
    """One server under all raters, after a little of the same to warm it up."""
    with web(command) as (host, master):
        raters = [Rater(host, slug, {"sessionid": session}) for session in sessions]
        for rater in raters:
            rater.enter()
        read(raters, WARM_SECONDS)
        for rater in raters:
            for times in rater.times.values():
                times.clear()
        before, began = processor_seconds(master), time.monotonic()
        read(raters, seconds)
        wall, busy = time.monotonic() - began, processor_seconds(master) - before
        memory = pss_mib(master)
    saves = [ms for rater in raters for ms in rater.times["save"]]
    return {
        "items_per_second": round(len(saves) / wall, 1),
        "save_ms": summary(saves),
        "web_ms": round(1000 * busy / max(1, len(saves)), 2),
        "web_memory_mib": memory,
        "errors": sum(len(rater.errors) for rater in raters),
    }


if __name__ == "__main__":
    main()
