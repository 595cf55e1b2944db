"""Utility experiments and quality reports of real X-rays and CT slices, by a real worker that is killed on the way."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from generation.classifiers.scores import SCORES
from generation.metrics.report_numbers import NAMES
from tests.generation.utility.real_images import LABELS, MADE
from tests.servers.sites import Site, Table, lungrater

pytestmark = [pytest.mark.e2e, pytest.mark.recovery]

ENDS_WITHIN = 240.0
FITS = 3 * 3  # three networks on real, on synthetic and on half of it; for 1 to 1 there are too few fakes

QUEUE = """
import json
from pathlib import Path
from tests.generation.utility.real_images import brought_in, chain_on
experiments = [chain_on(brought_in(Path({data!r}), Path({files!r}) / name, name)) for name in ("xray", "ct")]
for experiment in experiments:
    experiment.training.enqueue()
print("PKS", json.dumps([experiment.pk for experiment in experiments]))
"""
REPORT = """
from generation.models import QualityReport
from pool.models import Dataset
report = QualityReport(
    reference=Dataset.objects.get(name="xray"), candidate=Dataset.objects.get(name="Chain on xray: synthetic"))
report.submit()
print("PK", report.pk)
"""


def told(running: Site, script: str, word: str) -> Any:
    done = lungrater(running.home, "shell", "-v", "0", "-c", script)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.split(word)[1])


def end_worker(running: Site, jobs: Table) -> None:
    """kill -9, and half a minute without a heartbeat as if it had passed."""
    killed = running.pid_of("worker-training-1")
    os.kill(killed, signal.SIGKILL)
    jobs.rows(f"UPDATE {jobs.name} SET heartbeat_at = now() - interval '1 hour' WHERE state = 'running'")


def succeeded(jobs: Table, pk: int) -> None:
    jobs.wait(pk, lambda job: job[0] not in {"queued", "running"}, ENDS_WITHIN)
    assert jobs.job(pk)[0] == "succeeded", jobs.job(pk)


def test_an_experiment_and_a_report_on_real_images_hold_every_number_though_their_worker_is_killed(
    running_site: Site, shared_data: Path, tmp_path: Path
) -> None:
    experiments = Table(running_site, "generation_utilityexperiment")
    reports = Table(running_site, "generation_qualityreport")

    xray, ct = told(running_site, QUEUE.format(data=str(shared_data), files=str(tmp_path)), "PKS")
    experiments.wait(xray, lambda job: job[1] >= 1, ENDS_WITHIN)
    keys = experiments.rows("SELECT id FROM generation_utilityfit WHERE experiment_id = %s", xray)
    assert experiments.job(xray)[:3:2] == ("running", 1)
    end_worker(running_site, experiments)
    succeeded(experiments, xray)
    succeeded(experiments, ct)
    report = told(running_site, REPORT, "PK")
    succeeded(reports, report)

    assert experiments.job(xray)[1:3] == (FITS, 2)
    for experiment in (xray, ct):
        fits = experiments.rows(
            "SELECT id, arm, architecture FROM generation_utilityfit WHERE experiment_id = %s", experiment
        )
        assert len(fits) == len({fit[1:] for fit in fits}) == FITS
        [(found,)] = experiments.rows(
            "SELECT report FROM generation_utilityexperiment WHERE id = %s", experiment
        )
        assert_every_score(found, LABELS["xray" if experiment == xray else "ct"])
        if experiment == xray:
            assert {row[0] for row in keys} <= {fit[0] for fit in fits}
    [(results,)] = reports.rows("SELECT results FROM generation_qualityreport WHERE id = %s", report)
    assert_every_measure(results)


def assert_every_score(report: dict[str, Any], labels: tuple[str, str]) -> None:
    assert report["images"]["synthetic"] == dict.fromkeys(labels, MADE)
    assert len(report["arms"]) == FITS
    for arm in report["arms"]:
        assert all(arm["scores"][name]["estimate"] is not None for name in SCORES)
        # One that calls everything alike scores the same in every resample, and the report says so.
        accuracy = arm["scores"]["accuracy"]
        assert accuracy["ci"] or "same value" in accuracy["reason"]
        assert set(arm["by_class"]) == set(labels)
        assert sum(map(sum, arm["confusion"])) == report["test_images"]
        assert arm["reliability"]
    for gap in report["gaps"]:
        assert "p" in gap["mcnemar"]
        assert set(gap["delong"]) == {labels[1]}
    assert report["headline"]["balanced_accuracy"]["mean"]["estimate"] is not None
    assert {point["synthetic"] for point in report["curve"]} == {MADE, 2 * MADE}
    assert {one["method"] for one in report["explanations"]} == {"lime", "grad-cam"}


def assert_every_measure(results: dict[str, Any]) -> None:
    numbers = {number["key"]: number for number in results["numbers"]}
    assert set(numbers) == set(NAMES) - {"frd"}  # which needs a program that this site does not name
    for number in numbers.values():
        assert number["estimate"] is not None, number
        assert number["n_fake"] == 2 * MADE
    assert results["extractor"]["name"] == "phantom-64"
    assert results["calibration"]["planted"] > 0
    assert all(results[name] for name in ("closest", "best", "worst"))
    assert set(results["parts"]["finding"]) == set(LABELS["xray"])
