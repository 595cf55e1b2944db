"""Label Studio and doccano under the raters of bench/load.py, each on a PostgreSQL and a home of the bench's own.

    python bench/other_systems.py label-studio VENV [--uwsgi] [--raters 32] [--images 200] [--seconds 30] [--json]
    python bench/other_systems.py doccano VENV [--raters 32] [--images 200] [--seconds 30] [--json]

VENV is an environment in which the system is installed (docs/benchmarks.md says how); it is none of this project's
dependencies. In one project each rater labels every image real or fake, and nothing else. A rater asks what the
system's own page asks in a browser from one image to the next, but for what the page asks by a timer. Afterwards
`stored` counts the answers in the system's own table: as many as saves were acknowledged, or the bench fails.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.cold_start import free_port
from bench.load import derivatives, drive
from bench.other_systems_adapters import OtherRater, System, doccano, label_studio
from lungrater.embedded.running import exit_on_signals

START_WITHIN, STOP_WITHIN, PREPARED_WITHIN = 120.0, 20.0, 900.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("system", choices=["label-studio", "doccano"])
    parser.add_argument("venv", type=Path, help="the environment in which it is installed")
    parser.add_argument("--uwsgi", action="store_true", help="Label Studio as its container starts it")
    parser.add_argument("--raters", type=int, default=32)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--postgres", type=Path, default="/usr/lib/postgresql/15/bin", help="its programs")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    options = parser.parse_args()
    with exit_on_signals():
        measured = measure(options)
    print(json.dumps(measured, indent=None if options.json else 2))
    if measured["stored"] != measured["acknowledged"]:
        raise SystemExit("What is stored is not what was acknowledged.")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-other-")))
        postmaster = stack.enter_context(postgres(home, options.postgres))
        port = free_port()
        if options.system == "doccano":
            system = doccano(options.venv.absolute(), home, port)
        else:
            system = label_studio(options.venv.absolute(), home, port, uwsgi=options.uwsgi)
        finished(system, home, system.prepare)
        filling = ["python", "-c", system.fill, str(options.raters), *pngs(home / "images", options.images)]
        filled = json.loads(finished(system, home, filling).splitlines()[-1])
        server = stack.enter_context(serving(system, home, port))
        raters = [
            system.rater(f"127.0.0.1:{port}", filled["slug"], cookies, images=options.images)
            for cookies in filled["cookies"]
        ]
        warm_up(raters)
        driven = drive(raters, options.seconds, server=server, database=postmaster)
        return {
            "system": options.system,
            "version": filled["version"],
            "server": system.server[0],
            "raters": options.raters,
            "images": options.images,
            **driven,
            "acknowledged": sum(rater.done for rater in raters),
            "stored": stored(home, system),
        }


def warm_up(raters: Sequence[OtherRater]) -> None:
    """The page and one image of each rater, which are not measured."""
    for rater in raters:
        rater.enter()
        rater.one_item()
        for times in rater.times.values():
            times.clear()


def pngs(folder: Path, count: int) -> list[str]:
    folder.mkdir()
    images = derivatives()
    files = [folder / f"{number:04}.png" for number in range(count)]
    for number, file in enumerate(files):
        file.write_bytes(images[number % len(images)])
    return [str(file) for file in files]


@contextmanager
def postgres(home: Path, programs: Path) -> Iterator[int]:
    """PostgreSQL as it comes, on a Unix socket under `home` for whoever reaches it; its process number."""
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
    home.chmod(0o711)
    data, sockets = home / "postgres", home / "sockets"
    for folder in (data, sockets):
        folder.mkdir(mode=0o700)
        shutil.chown(folder, user or os.getuid())
    options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"]
    words: list[str | Path] = [programs / "initdb", "-D", data, *options]
    subprocess.run(words, user=user, group=user, check=True, stdout=subprocess.DEVNULL, cwd=data)
    words = [programs / "postgres", "-D", data, "-k", sockets, "-h", ""]
    with (home / "postgres.log").open("wb") as log:
        server = subprocess.Popen(words, user=user, group=user, cwd=data, stdout=log, stderr=log)
    with ended(server, by=signal.SIGINT):  # "fast": SIGTERM waits for every client
        wait(
            server, lambda: psycopg.connect(host=str(sockets), user="postgres").close(), home / "postgres.log"
        )
        yield server.pid


@contextmanager
def serving(system: System, home: Path, port: int) -> Iterator[int]:
    """The system's web server once it answers; the number of its first process."""
    with (home / "server.log").open("wb") as written:
        words, environment = command(system, home, system.server)
        server = subprocess.Popen(words, cwd=system.folder, env=environment, stdout=written, stderr=written)
    with ended(server):
        url = f"http://127.0.0.1:{port}{system.page}"
        wait(server, lambda: urlopen(url, timeout=5).close(), home / "server.log")
        yield server.pid


def wait(server: subprocess.Popen[bytes], reach: Callable[[], None], log: Path) -> None:
    """Until it can be reached; a server that has ended or is too slow ends the bench."""
    deadline = time.monotonic() + START_WITHIN
    while server.poll() is None and time.monotonic() < deadline:
        with suppress(OSError, psycopg.OperationalError):
            return reach()
        time.sleep(0.2)
    raise SystemExit(f"{log.read_text()[-2000:]}\n{server.args!r} does not answer.")


@contextmanager
def ended(server: subprocess.Popen[bytes], by: signal.Signals = signal.SIGTERM) -> Iterator[None]:
    """Ends a server, and with it its workers, when the block ends."""
    try:
        yield
    finally:
        server.send_signal(by)
        try:
            server.wait(timeout=STOP_WITHIN)
        except subprocess.TimeoutExpired:
            server.kill()


def finished(system: System, home: Path, words: Sequence[str]) -> str:
    """What one of the system's own commands prints."""
    words, environment = command(system, home, words)
    done = subprocess.run(
        words,
        check=False,
        cwd=system.folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PREPARED_WITHIN,
    )
    if done.returncode:
        raise SystemExit(done.stderr[-2000:] + "\nThe system could not be prepared.")
    return done.stdout


def command(system: System, home: Path, words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """A program of the system's environment, and the variables it runs with: none of this project's."""
    programs = system.folder.parents[3] / "bin"
    environment = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8"}
    return [str(programs / words[0]), *words[1:]], {**environment, **system.environment}


def stored(home: Path, system: System) -> int:
    """The answers in the system's own table."""
    with psycopg.connect(host=str(home / "sockets"), user="postgres") as connection:
        row = connection.execute(system.stored).fetchone()
    return int(row[0]) if row else 0


if __name__ == "__main__":
    main()
