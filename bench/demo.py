"""Seconds from the first page of a new site until each part of the demo is there, and the processor time of its processes.

    python bench/demo.py [--json]

Starts `make run` on a home of its own in a temporary folder, as a newcomer does, and asks the database every quarter of a
second which parts are there. Afterwards the site is stopped as Ctrl-C does.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from bench.cold_start import page_answers, started, stop

GIVE_UP_AFTER = 400.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lungrater-bench-") as folder:
        home = Path(folder) / "home"
        os.environ.update(LUNGRATER_HOME=str(home), DJANGO_SETTINGS_MODULE="lungrater.settings")
        django.setup()
        site = started(home, demo=True)
        site.seconds_until(lambda: page_answers(site.url))
        try:
            seconds = _seconds_of_parts()
        finally:
            stop(site)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds["processor, of all its processes"] = used.ru_utime + used.ru_stime
    if options.json:
        print(json.dumps(seconds))
        return
    for name, value in seconds.items():
        print(f"{name:<44}{value:>7.1f}")


def _seconds_of_parts() -> dict[str, float]:
    from lungrater.demo.progress import progress

    began, seconds = time.monotonic(), dict[str, float]()
    while time.monotonic() - began < GIVE_UP_AFTER:
        state = progress()
        parts = state.parts if state else []
        for part in parts:
            if part.state == "succeeded":
                seconds.setdefault(part.name, time.monotonic() - began)
        if seconds and not state:
            return {**seconds, "all of it": time.monotonic() - began}
        time.sleep(0.25)
    sys.exit(f"After {GIVE_UP_AFTER:.0f} seconds there were only {seconds}.")


if __name__ == "__main__":
    main()
