"""Seconds from `make run` to the first page: the first start makes its database, the second finds it.

    python bench/cold_start.py [--json] [--starts 3] [--demo]

Starts the site on a home of its own in a temporary folder, asks for the page until it comes, waits for the
printed screen, and stops it as Ctrl-C does. Each row is one start.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

REPOSITORY = Path(__file__).resolve().parent.parent
GIVE_UP_AFTER = 300.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def page_answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, TimeoutError, ConnectionError):
        return False


@dataclass(frozen=True)
class Site:
    """A site that `make run` starts, and since when."""

    url: str
    process: subprocess.Popen[bytes]
    screen: Path
    began: float

    def seconds_until(self, done: Callable[[], bool]) -> float:
        while not done():
            if self.process.poll() is not None or time.monotonic() - self.began > GIVE_UP_AFTER:
                stop(self)
                sys.exit(f"The site did not start:\n{self.screen.read_text()}")
            time.sleep(0.02)
        return time.monotonic() - self.began


def started(home: Path, *, demo: bool) -> Site:
    port = free_port()
    arguments = f"--port {port}" + ("" if demo else " --no-demo")
    screen = home.parent / "screen"
    began = time.monotonic()
    with screen.open("w") as output:
        process = subprocess.Popen(
            ["make", "--silent", "run", f"ARGS={arguments}"],
            cwd=REPOSITORY,
            env={**os.environ, "LUNGRATER_HOME": str(home)},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Site(f"http://localhost:{port}/", process, screen, began)


def stop(site: Site) -> None:
    """As Ctrl-C does, where it still runs."""
    if site.process.poll() is None:
        os.killpg(site.process.pid, signal.SIGINT)
        site.process.wait(30)


def one_start(home: Path, *, demo: bool) -> dict[str, float]:
    """Seconds to HTTP 200, to the printed screen, and from Ctrl-C to the end."""
    site = started(home, demo=demo)
    page = site.seconds_until(lambda: page_answers(site.url))
    everything_seconds = site.seconds_until(lambda: "Ctrl-C" in site.screen.read_text())
    stopping = time.monotonic()
    stop(site)
    return {"page_s": page, "everything_s": everything_seconds, "stop_s": time.monotonic() - stopping}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    parser.add_argument("--starts", type=int, default=3, help="how many starts (default: %(default)s)")
    parser.add_argument("--demo", action="store_true", help="with the demo, as a newcomer starts it")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="lungrater-bench-") as folder:
        starts = [one_start(Path(folder) / "home", demo=options.demo) for _ in range(options.starts)]

    if options.json:
        print(json.dumps({"starts": starts}))
        return
    print(f"{'start':<8}{'HTTP 200':>10}{'everything':>12}{'Ctrl-C':>9}   seconds")
    for number, start in enumerate(starts, 1):
        print(f"{number:<8}{start['page_s']:>10.2f}{start['everything_s']:>12.2f}{start['stop_s']:>9.2f}")


if __name__ == "__main__":
    main()
