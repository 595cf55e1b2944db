"""The whole report of a study of a million ratings, the read of a real PostgreSQL included.

    python bench/analysis_database.py [--json] [--raters 200] [--images 10000]

Starts LungRater's own servers in a home of its own in /tmp, fills the tables by COPY, and removes it all. Also printed
by `bench/analysis.py --json`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent


def measured_apart(raters: int, images: int) -> dict[str, Any]:
    """The figures, measured in a process whose home is a folder of its own."""
    home = tempfile.mkdtemp(prefix="lr-bench-")
    environment = {**os.environ, "LUNGRATER_HOME": home, "DJANGO_SETTINGS_MODULE": "lungrater.settings"}
    environment = {
        name: value for name, value in environment.items() if name not in {"DATABASE_URL", "REDIS_URL"}
    }
    command = [sys.executable, __file__, "--here", "--raters", str(raters), "--images", str(images)]
    try:
        done = subprocess.run(
            command, env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=True
        )
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measured_here(raters: int, images: int) -> dict[str, Any]:
    import django

    from lungrater.embedded.running import running

    with running(who="bench"):
        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        study = filled_study(raters, images)
        return _timed(study)


def filled_study(raters: int, images: int, remark: str = "") -> Any:
    """A closed and unblinded study; every other (rater, image) cell is empty, as in a block design.

    Every other rating has the remark.
    """
    import numpy as np
    from django.db import connection
    from django.utils import timezone

    from accounts.models import User
    from pool.models import Dataset, Image
    from rating.models import Enrolment, Sitting, Study, StudyImage

    rng = np.random.default_rng(2022)
    now = timezone.now()
    datasets = [
        Dataset.objects.create(name=f"{origin} {modality}", origin=origin, modality=modality)
        for origin in ("real", "synthetic")
        for modality in ("xray", "ct")
    ]
    rows = Image.objects.bulk_create(
        [
            Image(
                dataset=(of := datasets[at % 4]),
                origin=of.origin,
                modality=of.modality,
                file="none",
                pixel_sha256=f"{at:064}",
                width=64,
                height=64,
                bits=8,
                provenance={"model": f"generator {at % 3}"} if of.origin != "real" else {},
            )
            for at in range(images)
        ],
        batch_size=2000,
    )
    study = Study.objects.create(name="Bench")
    study_images = StudyImage.objects.bulk_create(
        [StudyImage(study=study, image=one, code=f"I{at:05}") for at, one in enumerate(rows)],
        batch_size=2000,
    )
    people = User.objects.bulk_create([User(email=f"r{at}@example.org") for at in range(raters)])
    enrolled = Enrolment.objects.bulk_create(
        [Enrolment(study=study, user=one, number=at, years=at % 30) for at, one in enumerate(people, start=1)]
    )
    sittings = Sitting.objects.bulk_create(
        [Sitting(enrolment=one, seed=1, order_version="x") for one in enrolled]
    )
    Study.objects.filter(pk=study.pk).update(state="open", manifest_sha256="x", frozen_at=now, opened_at=now)
    truth = np.array([one.origin != "real" for one in rows])
    words = np.array(["real", "fake", "unsure"])
    number = 0
    with connection.cursor() as cursor:
        with cursor.cursor.copy(
            "COPY rating_presentation (id, sitting_id, position, study_image_id, kind, token) FROM STDIN"
        ) as copy:
            cells = []
            for sitting in sittings:
                own = rng.permutation(np.flatnonzero(rng.random(images) < 0.5))
                cells.append(own)
                for position, at in enumerate(own.tolist(), start=1):
                    number += 1
                    copy.write_row((number, sitting.pk, position, study_images[at].pk, "main", f"t{number}"))
        order = np.concatenate(cells)
        labels = np.where(rng.random(number) < 0.4, truth[order].astype(int), rng.integers(0, 3, number))
        seconds = rng.lognormal(8.5, 0.6, number).astype(int)
        with cursor.cursor.copy(
            "COPY rating_rating (id, presentation_id, label, remark, reasons, view_state, active_ms, revision, rated_at) "
            "FROM STDIN"
        ) as copy:
            for at, (label, ms) in enumerate(
                zip(words[labels].tolist(), seconds.tolist(), strict=True), start=1
            ):
                copy.write_row((at, at, label, remark if at % 2 else "", "[]", "{}", ms, 1, now))
        # As raters save: every rating is its last revision, or nothing is counted from it.
        cursor.execute(
            "INSERT INTO rating_ratingrevision "
            "(rating_id, number, client_key, label, remark, reasons, view_state, active_ms, reason, "
            "remark_nonce, remark_sha256, reason_nonce, reason_sha256, sha256) "
            "SELECT id, 1, gen_random_uuid(), label, remark, reasons, view_state, active_ms, '', '', '', '', '', '' "
            "FROM rating_rating ORDER BY id"
        )
        cursor.execute("ANALYZE")
    Study.objects.filter(pk=study.pk).update(state="unblinded", closed_at=now, unblinded_at=now)
    study.refresh_from_db()
    return study


def _timed(study: Any) -> dict[str, Any]:
    import scipy

    scipy.stats  # noqa: B018  the import is a server's first second, not the report's
    from rating.results.build_report import results_of
    from rating.results.cache import ResultCache
    from rating.results.query import read_columns
    from rating.results.summary import study_results

    reads, wholes, ours, ratings = [], [], [], 0
    for _ in range(3):
        started, busy = time.perf_counter(), time.process_time()
        columns = read_columns(study)
        reads.append(time.perf_counter() - started)
        study_results(columns, policy=study.unsure_policy)
        wholes.append(time.perf_counter() - started)
        ours.append(time.process_time() - busy)
        ratings = len(columns.label)
    results_of(study)
    started = time.perf_counter()
    results_of(study, ResultCache(study))
    again = time.perf_counter() - started
    started = time.perf_counter()
    kept_columns = ResultCache(study).columns()
    loaded = time.perf_counter() - started
    return {
        "report_ratings": ratings,
        "report_s": min(wholes),
        "report_processor_s": min(ours),
        "report_read_s": min(reads),
        "report_again_s": again,
        "columns_again_s": loaded,
        "columns_again_ratings": len(kept_columns.label),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="The report of a million ratings, database read included.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--raters", type=int, default=200)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        sys.path.insert(0, str(REPOSITORY))
        print(json.dumps(measured_here(options.raters, options.images)))
        return
    report = measured_apart(options.raters, options.images)
    print(
        json.dumps(report, indent=2)
        if options.json
        else "\n".join(f"{k:<28}{v:>14.4g}" for k, v in report.items())
    )


if __name__ == "__main__":
    main()
