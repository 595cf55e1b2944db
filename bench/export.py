"""How long a million ratings take to leave, as CSV, JSON, Parquet, iMRMC and searched remarks, and how large the process grows.

    python bench/export.py [--json] [--raters 200] [--images 10000]

Starts LungRater's own servers in a home of its own in /tmp, fills the tables by COPY once, writes each format in a
process of its own, and removes it all. Every other rating has a remark. Wall time depends on what else the machine
does; `processor` is this process alone, without PostgreSQL's. The verification that goes into the log with each
export is not among it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
FORMATS = ("csv", "parquet", "json", "imrmc", "remarks")
GOALS = {"csv": 10.0, "parquet": 3.0}
MOST_MB = 150


def own_environment(home: str) -> dict[str, str]:
    environment = {**os.environ, "LUNGRATER_HOME": home, "DJANGO_SETTINGS_MODULE": "lungrater.settings"}
    return {name: value for name, value in environment.items() if name not in {"DATABASE_URL", "REDIS_URL"}}


def measured(raters: int, images: int) -> list[dict[str, Any]]:
    home = tempfile.mkdtemp(prefix="lr-bench-")
    try:
        sizes = ["--raters", str(raters), "--images", str(images)]
        done = subprocess.run(
            [sys.executable, __file__, "--fill", *sizes],
            env=own_environment(home),
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    finally:
        shutil.rmtree(home, ignore_errors=True)


def fill_and_measure(raters: int, images: int) -> None:
    """Fill once, then each format in a process that has done nothing else."""
    import django

    from lungrater.embedded.running import running
    from lungrater.embedded.urls import database_url, redis_url

    with running(who="bench"):
        django.setup()
        from analysis_database import filled_study
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        study = filled_study(raters, images, remark="blurred vessels at the left hilum")
        servers = {"DATABASE_URL": database_url(), "REDIS_URL": redis_url()}
        for kind in FORMATS:
            command = [sys.executable, __file__, "--write", kind, "--study", str(study.pk)]
            done = subprocess.run(
                command, env=os.environ | servers, stdout=subprocess.PIPE, text=True, check=True
            )
            print(done.stdout.splitlines()[-1])


def write(kind: str, study_key: int) -> dict[str, Any]:
    import django

    django.setup()
    from jobs.snapshot import one_snapshot
    from rating.models import Presentation, Study

    study = Study.objects.get(pk=study_key)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"ratings.{kind}"
        started, busy = time.perf_counter(), time.process_time()
        with one_snapshot():
            writer(kind)(study, path)
        seconds, processor = time.perf_counter() - started, time.process_time() - busy
        size = path.stat().st_size
    rows = Presentation.objects.count()
    return {
        "format": kind,
        "rows": rows,
        "seconds": round(seconds, 2),
        "processor": round(processor, 2),
        "rows_per_second": round(rows / seconds),
        "megabytes": round(size / 1e6, 1),
        "max_resident_mb": max_resident_mb(),
        "goal_seconds": GOALS.get(kind),
        "goal_mb": MOST_MB,
    }


def max_resident_mb() -> int:
    """The most this very program held; `ru_maxrss` counts what its parent had when it started it."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return round(int(lines["VmHWM"].split()[0]) / 1024)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def writer(kind: str) -> Callable[[Any, Path], Any]:
    if kind == "parquet":
        from rating.results.export.parquet import write_parquet

        return write_parquet
    from rating.results.export.filtered_remarks import RemarkFilter, filtered_remark_lines
    from rating.results.export.imrmc import imrmc_lines
    from rating.results.export.ratings_csv import csv_lines, json_lines
    from rating.results.query import read_facts

    lines: Callable[[Any], Iterator[str]] = {
        "csv": csv_lines,
        "json": json_lines,
        "imrmc": imrmc_lines,
        "remarks": lambda study: filtered_remark_lines(
            study, RemarkFilter(read_facts(study), session=1, words="hilum")
        ),
    }[kind]

    def write_lines(study: Any, path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(lines(study))

    return write_lines


def main() -> None:
    parser = argparse.ArgumentParser(description="A million ratings as CSV, Parquet and JSON.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--raters", type=int, default=200)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--fill", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--write", choices=FORMATS, help=argparse.SUPPRESS)
    parser.add_argument("--study", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fill or options.write:
        sys.path.insert(0, str(REPOSITORY))
    if options.fill:
        fill_and_measure(options.raters, options.images)
    elif options.write:
        print(json.dumps(write(options.write, options.study)))
    else:
        rows = measured(options.raters, options.images)
        print(json.dumps(rows, indent=2) if options.json else "\n".join(str(row) for row in rows))


if __name__ == "__main__":
    main()
