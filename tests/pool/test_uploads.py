"""An upload is worked through by a job that may die at any moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from kombu.exceptions import OperationalError

from accounts.models import User
from jobs import sender, tasks
from jobs.models import Job
from pool.imports import store, uploads
from pool.imports import tasks as import_tasks
from pool.imports.uploads import Upload, drop_finished_uploads, submit_upload
from pool.models import Dataset, FileOutcome, Image, ImportJob, UploadedFile
from tests.factories import make_dataset
from tests.pool.files import image_bytes, zipped

pytestmark = pytest.mark.django_db


def sent(*files: tuple[str, bytes], labels: str = "none", table: bytes | None = None) -> Upload:
    return {
        "uploads": [SimpleUploadedFile(name, data) for name, data in files],
        "labels": labels,
        "table": SimpleUploadedFile("t.csv", table) if table is not None else None,
    }


def submitted(user: User, dataset: Dataset | None = None, **what: Any) -> ImportJob:
    return submit_upload(dataset or make_dataset(), what["sent"], by=user)


def three(tmp_path: Path) -> bytes:
    files = {f"covid/{number}.png": image_bytes(seed=number) for number in range(3)}
    return zipped(
        {**files, "copy.png": image_bytes(seed=0), "bad.png": b"x"}, tmp_path / "z.zip"
    ).read_bytes()


def test_an_upload_becomes_images_and_a_record(researcher: User, tmp_path: Path) -> None:
    job = submitted(researcher, sent=sent(("z.zip", three(tmp_path)), labels="folder"))

    import_tasks.run_import_job(job.pk)

    job.refresh_from_db()
    assert (job.state, job.imported, job.total, job.done) == ("succeeded", 3, 5, 5)
    assert list(job.outcomes.values_list("kind", "file", "same_as")) == [
        ("duplicate", "copy.png", "covid/0.png"),
        ("refused", "bad.png", ""),
    ]
    assert set(job.images.values_list("label", flat=True)) == {"covid"}


def test_several_files_with_a_table(researcher: User) -> None:
    files = [("a.png", image_bytes()), ("b.png", image_bytes()), ("a.png", image_bytes())]
    job = submitted(
        researcher, sent=sent(*files, labels="table", table=b"file,label\na.png,one\nb.png,two\n")
    )

    import_tasks.run_import_job(job.pk)

    job.refresh_from_db()
    assert sorted(job.images.values_list("source_name", "label")) == [("a.png", "one"), ("b.png", "two")]
    assert [outcome.file for outcome in job.outcomes.refused()] == ["a (2).png"]


def test_a_job_that_died_goes_on_where_it_stopped(
    researcher: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submitted(researcher, sent=sent(("z.zip", three(tmp_path))))
    add_image, turns = store.add_image, iter(range(2))

    def dies_after_two(*args: Any, **fields: Any) -> Any:
        if next(turns, None) is None:
            raise SystemExit  # what a killed worker looks like from inside
        return add_image(*args, **fields)

    monkeypatch.setattr(store, "add_image", dies_after_two)
    with pytest.raises(SystemExit):
        import_tasks.run_import_job(job.pk)
    monkeypatch.undo()
    ImportJob.objects.filter(pk=job.pk).update(heartbeat_at=timezone.now() - timedelta(minutes=5))
    tasks.sweep_jobs()
    import_tasks.run_import_job(job.pk)

    job.refresh_from_db()
    assert (job.state, job.attempts, job.imported) == ("succeeded", 2, 3)
    assert job.images.count() == 3
    assert job.outcomes.duplicates().count() == job.outcomes.refused().count() == 1


def test_cancel_stops_between_two_files(
    researcher: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "TELL_EVERY", 0)
    job = submitted(researcher, sent=sent(("z.zip", three(tmp_path))))
    add_image = store.add_image

    def cancelled_meanwhile(*args: Any, **fields: Any) -> Any:
        ImportJob.objects.get(pk=job.pk).request_cancel()
        return add_image(*args, **fields)

    monkeypatch.setattr(store, "add_image", cancelled_meanwhile)

    import_tasks.run_import_job(job.pk)

    job.refresh_from_db()
    assert job.state == "cancelled"
    assert job.images.count() == 1


def test_a_job_whose_files_are_gone_says_so(researcher: User) -> None:
    job = submitted(researcher, sent=sent(("a.png", image_bytes())))
    job.uploads.all().delete()

    import_tasks.run_import_job(job.pk)

    job.refresh_from_db()
    assert (job.state, job.error) == ("failed", "The uploaded files are gone; upload them again.")


def test_uploads_are_dropped_once_their_import_has_ended(researcher: User) -> None:
    ended, waiting = (submitted(researcher, sent=sent(("a.png", image_bytes()))) for _ in range(2))
    import_tasks.run_import_job(ended.pk)
    gone = str(ended.uploads.get().file.name)

    drop_finished_uploads()

    assert list(UploadedFile.objects.values_list("job", flat=True)) == [waiting.pk]
    assert not default_storage.exists(gone)
    assert ended.images.count() == 1


def test_sweep_enqueues_what_has_waited_unheard(researcher: User, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[int] = []
    monkeypatch.setattr(ImportJob, "enqueue", lambda job: rung.append(job.pk))
    old, _new = (submitted(researcher, sent=sent(("a.png", image_bytes()))) for _ in range(2))
    ImportJob.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(minutes=5))

    tasks.sweep_jobs()

    assert rung == [old.pk]


def test_sweep_knows_every_kind_of_job() -> None:
    kinds = set(tasks.job_kinds())

    assert ImportJob in kinds
    assert all(issubclass(kind, Job) and not kind._meta.abstract for kind in kinds)


def test_a_broker_that_is_away_does_not_lose_the_upload(
    researcher: User, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    def away(*_args: Any, **_options: Any) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr("jobs.enqueue.current_app.send_task", away)

    with django_capture_on_commit_callbacks(execute=True):
        job = submitted(researcher, sent=sent(("a.png", image_bytes())))

    assert sender.drain(10)
    job.refresh_from_db()
    assert job.state == "queued"


def test_the_table_of_findings_is_dropped_with_the_uploads(researcher: User) -> None:
    table = b"file,label,patient\na.png,one,Jane Doe 1950-01-01\n"
    ended, waiting = (
        submitted(researcher, sent=sent(("a.png", image_bytes()), labels="table", table=table))
        for _ in range(2)
    )
    import_tasks.run_import_job(ended.pk)
    gone = str(ended.table.name)

    drop_finished_uploads()

    ended.refresh_from_db()
    waiting.refresh_from_db()
    assert not default_storage.exists(gone)
    assert not ended.table
    assert default_storage.exists(str(waiting.table.name))


def test_a_name_that_comes_twice_is_numbered_however_long(researcher: User) -> None:
    long = f"{'x' * 251}.png"
    job = submitted(researcher, sent=sent(*[(name, image_bytes()) for name in (long, long, "scan", "scan")]))

    names = [upload.name for upload in job.uploads.all()]

    assert names == [long, f"{'x' * 247} (2).png", "scan", "scan (2)"]


def test_a_cancelled_import_says_all_that_had_gone_in(
    researcher: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submitted(researcher, sent=sent(("z.zip", three(tmp_path))))

    def cancelled_after_two(teller: uploads.Teller) -> None:
        if teller.seen == 2:
            job.request_cancel()
            teller.now()

    monkeypatch.setattr(uploads.Teller, "when_due", cancelled_after_two)

    import_tasks.run_import_job(job.pk)

    job.refresh_from_db()
    assert (job.state, job.imported, job.images.count()) == ("cancelled", 2, 2)


def test_every_outcome_of_an_import_can_be_downloaded(
    researcher: User, client_of: Callable[[User], Client], tmp_path: Path
) -> None:
    good = image_bytes()
    files = {"a.png": good, "=b.png": good, "c.txt": b"hello"}
    job = submitted(researcher, sent=sent(("z.zip", zipped(files, tmp_path / "z.zip").read_bytes())))
    job.perform()

    answer = client_of(researcher).get(reverse("pool:import_outcomes", args=[job.pk]))

    lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]  # it streams
    assert lines[:3] == ["file,outcome,detail", "a.png,taken,", "'=b.png,there already,same pixels as a.png"]
    assert lines[3].startswith("c.txt,refused,")


def test_the_page_of_an_import_costs_the_same_however_many_files_were_refused(
    researcher: User, client_of: Callable[[User], Client]
) -> None:
    client = client_of(researcher)
    jobs = [ImportJob.objects.create(dataset=make_dataset(), state="succeeded") for _ in range(2)]
    for job, refused in zip(jobs, (3, 3000), strict=True):
        FileOutcome.objects.bulk_create(
            FileOutcome(job=job, kind="refused", file=f"{n}.png", reason="Broken.") for n in range(refused)
        )

    client.get(jobs[0].get_absolute_url())  # what a session asks once
    pages, queries = [], []
    for job in jobs:
        with CaptureQueriesContext(connection) as captured:
            pages.append(client.get(job.get_absolute_url()).content.decode())
        queries.append(len(captured))

    assert queries[0] == queries[1]
    assert [page.count("Broken.") for page in pages] == [3, 200]
    assert "here stand the first 200" in pages[1]


def test_an_import_names_the_datasets_its_images_stand_in_already_where_a_person_may_see_them(
    researcher: User, admin: User, client_of: Callable[[User], Client]
) -> None:
    seen, unseen = make_dataset(name="Seen"), make_dataset(name="Unseen")
    unseen.memberships.all().delete()
    for dataset, numbers in ((seen, (0, 1)), (unseen, (0, 1, 2))):
        submitted(
            admin, dataset, sent=sent(*[(f"{seed}.png", image_bytes(seed=seed)) for seed in numbers])
        ).perform()
    again = submitted(
        researcher, sent=sent(*[(f"again{seed}.png", image_bytes(seed=seed)) for seed in range(4)])
    )
    again.perform()

    page = client_of(researcher).get(again.get_absolute_url()).content.decode()

    assert "2 of these 4 stand in the dataset “Seen” too" in page
    assert "Unseen" not in page
    assert again.images.elsewhere(Image.objects.all()) == {"Seen": 2, "Unseen": 3}
