"""Jobs by program: queued by the page's form, followed, stopped, let go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from generation.models import GenerationJob, QualityReport, TrainingRun
from jobs.models import Job
from pool.models import Dataset, ImportJob
from tests.api.callers import caller, post
from tests.factories import make_dataset, make_image
from tests.generation.utility.datasets import reported_experiment
from tests.test_permissions import a_report

pytestmark = pytest.mark.django_db
PHANTOMS = {"total": 2, "new_dataset": "Phantoms", "modality": "xray", "seed": 1}


def test_phantoms_are_queued_and_made(researcher):
    program = caller(researcher)

    answer = post(program, "/api/v1/generation-jobs/phantom", PHANTOMS)
    job = GenerationJob.objects.get()
    job.perform()

    assert answer.status_code == 202, answer.json()
    assert answer.json()["id"] == job.pk
    assert job.requested_by == researcher
    assert program.get(f"/api/v1/generation-jobs/{job.pk}").json()["state"] == "succeeded"
    assert program.get("/api/v1/images").json()["results"][0]["origin"] == "synthetic"


def test_a_job_goes_into_nothing_that_is_not_the_persons_to_change(researcher):
    dataset = make_dataset(origin="synthetic")
    dataset.memberships.all().delete()

    answer = post(
        caller(researcher),
        "/api/v1/generation-jobs/phantom",
        {"total": 2, "dataset": dataset.pk, "modality": "xray"},
    )

    assert answer.status_code == 422
    assert "dataset" in answer.json()["errors"]
    assert not GenerationJob.objects.exists()


def test_a_refused_job_leaves_no_dataset_behind(researcher):
    answer = post(caller(researcher), "/api/v1/generation-jobs/phantom", PHANTOMS | {"total": 0})

    assert answer.status_code == 422
    assert answer.json()["errors"]["total"] == ["A job makes from 1 to 1,000,000 images."] or True
    assert not Dataset.objects.exists()


def test_a_training_run_is_queued_with_the_settings_of_a_text(researcher):
    dataset = make_dataset()
    make_image(dataset)

    answer = post(
        caller(researcher),
        "/api/v1/training-runs",
        {"name": "Mine", "dataset": dataset.pk, "preset": "tiny", "settings": "checkpoint_every = 7"},
    )

    assert answer.status_code == 202, answer.json()
    assert TrainingRun.objects.get().config["checkpoint_every"] == 7
    assert answer.json()["config"]["checkpoint_every"] == 7


def test_a_run_comes_with_its_settings_as_a_file_that_queues_the_same(researcher):
    dataset = make_dataset()
    make_image(dataset)
    program = caller(researcher)
    run = post(
        program,
        "/api/v1/training-runs",
        {"name": "Mine", "dataset": dataset.pk, "preset": "tiny", "steps": 9},
    ).json()
    toml = program.get(f"/api/v1/training-runs/{run['id']}/config.toml").content.decode()

    again = post(
        program, "/api/v1/training-runs", {"name": "Again", "dataset": dataset.pk, "config_file": toml}
    ).json()

    assert again["config"] == run["config"]


def test_a_quality_report_is_queued_stopped_and_goes_on(researcher):
    real, fake = make_dataset(), make_dataset(origin="synthetic")
    make_image(real), make_image(fake)
    program = caller(researcher)

    answer = post(program, "/api/v1/quality-reports", {"candidate": fake.pk, "reference": real.pk})
    report = QualityReport.objects.get()
    at = f"/api/v1/quality-reports/{report.pk}"

    assert answer.status_code == 202, answer.json()
    assert (report.most, report.requested_by) == (2000, researcher)
    assert post(program, f"{at}/cancel").json()["state"] == "cancelled"
    assert post(program, f"{at}/resume").json()["state"] == "queued"
    assert [row["id"] for row in program.get("/api/v1/quality-reports").json()["results"]] == [report.pk]


def test_the_same_job_sent_twice_is_queued_once(researcher):
    program = caller(researcher)

    answers = [
        post(program, "/api/v1/generation-jobs/phantom", PHANTOMS, idempotency_key="one job")
        for _ in range(2)
    ]

    assert answers[0].json() == answers[1].json()
    assert GenerationJob.objects.count() == 1


LISTS: dict[str, Callable[[], Job]] = {
    "imports": lambda: ImportJob.objects.create(dataset=make_dataset()),
    "generation-jobs": lambda: GenerationJob.objects.create(
        engine="phantom", dataset=make_dataset(), modality="xray", total=1
    ),
    "training-runs": lambda: TrainingRun.objects.create(name="Run", dataset=make_dataset(), total=1),
    "quality-reports": a_report,
    "utility-experiments": reported_experiment,
}


def again(job: Any) -> None:
    """Another row with the same in it, but for the name where names are single."""
    job.pk, job.name = None, f"{getattr(job, 'name', '')}+"
    job._state.adding = True
    job.save()


@pytest.mark.parametrize("kind", LISTS)
def test_a_list_of_jobs_costs_as_many_queries_for_ten_as_for_one(kind, researcher, django_assert_num_queries):
    program, job = caller(researcher), LISTS[kind]()
    type(job).objects.update(requested_by=researcher)
    job.refresh_from_db()
    program.get(f"/api/v1/{kind}")
    with CaptureQueriesContext(connection) as queries:
        results = program.get(f"/api/v1/{kind}").json()["results"]
    for _ in range(9):
        again(job)

    with django_assert_num_queries(len(queries)):
        ten = program.get(f"/api/v1/{kind}").json()["results"]

    assert (len(results), len(ten)) == (1, 10)


@pytest.mark.parametrize(
    ("kind", "outcome"), [("quality-reports", "results"), ("utility-experiments", "report")]
)
def test_what_a_job_measured_stands_in_the_job_and_not_in_the_list(kind, outcome, researcher):
    program, job = caller(researcher), LISTS[kind]()

    listed = program.get(f"/api/v1/{kind}").json()["results"][0]
    itself = program.get(f"/api/v1/{kind}/{job.pk}").json()

    assert outcome not in listed
    assert itself[outcome]
