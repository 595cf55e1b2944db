"""Health for people: what the page says of each part, of workers, of failed jobs and of storage."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from celery import current_app
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audit.models import Event
from lungrater.monitoring import health_page, overview
from lungrater.monitoring.signs_of_life import BACKUP, MAIL, SignOfLife
from lungrater.monitoring.worker_presence import WorkerPresence, gpu_name, note_worker
from pool.models import Image, ImportJob
from pool.storage.file_sizes import measure_files
from tests.factories import make_dataset, make_image

pytestmark = pytest.mark.django_db


def states(page) -> dict[str, str]:
    return {part.name: part.state for part in page.context["parts"]}


def test_each_part_has_a_state_and_a_sentence(client_of, admin, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    SignOfLife.objects.create(part=MAIL, at=timezone.now(), problem="mailbox full")
    SignOfLife.objects.create(part=BACKUP, at=timezone.now() - timedelta(days=8))

    page = client_of(admin).get(reverse("health"))

    assert (
        states(page).items()
        >= {
            "Database": "green",
            "Queue cpu": "red",
            "Clock": "red",
            "Mail": "red",
            "Backup": "amber",
        }.items()
    )
    assert "mailbox full" in page.content.decode()


@pytest.mark.parametrize(
    ("sender", "state"),
    [("LungRater <lungrater@localhost>", "amber"), ("Lungs <lungs@ulm.example>", "green")],
)
def test_mails_from_this_machine_alone_are_warned_of(client_of, admin, settings, sender, state):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.DEFAULT_FROM_EMAIL = sender

    assert states(client_of(admin).get(reverse("health")))["Mail"] == state


def test_a_trail_that_the_site_could_change_is_said_to_be_unguarded(client_of, admin, monkeypatch):
    monkeypatch.setattr(overview, "is_guarded", lambda: False)

    assert states(client_of(admin).get(reverse("health")))["Trail"] == "amber"


def test_each_worker_stands_there_with_its_queues_and_its_gpu_and_when_it_went(client_of, admin):
    note_worker("celery@one", ["gpu"], "H100, 81559 MiB")
    note_worker("celery@two", ["cpu", "api"], "")
    WorkerPresence.objects.filter(name="celery@two").update(at=timezone.now() - timedelta(minutes=2))

    page = client_of(admin).get(reverse("health"))

    assert [(each.name, each.queues, each.gpu, each.is_gone) for each in page.context["workers"]] == [
        ("celery@one", ["gpu"], "H100, 81559 MiB", False),
        ("celery@two", ["api", "cpu"], "", True),
    ]


def test_the_gpu_is_what_its_driver_says(tmp_path: Path, monkeypatch):
    driver = tmp_path / "nvidia-smi"
    driver.write_text("#!/bin/sh\necho 'NVIDIA H100, 81559 MiB'\n")
    driver.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda _name: str(driver))

    assert gpu_name() == "NVIDIA H100, 81559 MiB"


def test_a_machine_without_a_driver_has_no_gpu(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda _name: None)

    assert gpu_name() == ""


def test_failed_jobs_of_the_last_week_are_named_with_their_reason(client_of, admin):
    dataset = make_dataset()
    for days in (1, 8):
        job = ImportJob.objects.create(dataset=dataset)
        ended = timezone.now() - timedelta(days=days)
        ImportJob.objects.filter(pk=job.pk).update(
            state="failed", error=f"The disk was full {days}.", finished_at=ended
        )

    page = client_of(admin).get(reverse("health")).content.decode()

    assert "The disk was full 1." in page
    assert "The disk was full 8." not in page


def test_storage_is_counted_by_dataset_and_what_is_not_measured_is_said(client_of, admin):
    small, large = make_dataset(), make_dataset()
    sizes = [make_image(dataset).file.size for dataset in (small, large, large)]
    Image.objects.filter(dataset=small).update(file_bytes=None)
    browser = client_of(admin)

    unmeasured = {
        use.dataset: (use.images, use.measured) for use in browser.get(reverse("health")).context["storage"]
    }
    measured = measure_files()
    after = {use.dataset: use.size for use in browser.get(reverse("health")).context["storage"]}

    assert unmeasured[small.name] == (1, 0)
    assert (measured, measure_files()) == (1, 0)
    assert after == {small.name: sizes[0], large.name: sizes[1] + sizes[2]}


def test_what_the_page_costs_does_not_grow_with_datasets_and_images(client_of, admin):
    browser = client_of(admin)

    def queries() -> int:
        with CaptureQueriesContext(connection) as queries:
            browser.get(reverse("health"))
        return len(queries)

    make_image(make_dataset())
    browser.get(reverse("health"))
    few = queries()
    for _ in range(5):
        make_image(make_dataset())

    assert queries() == few


def test_an_admin_queues_a_backup_that_the_log_names_and_nobody_else_may(
    client_of, admin, researcher, settings, monkeypatch, django_capture_on_commit_callbacks
):
    settings.BACKUP_URL = "/backups"
    sent: list[str] = []
    monkeypatch.setattr(health_page, "enqueue", lambda task, _asked_at: sent.append(task))

    refused = client_of(researcher).post(reverse("back_up"))
    with django_capture_on_commit_callbacks(execute=True):
        client_of(admin).post(reverse("back_up"))

    assert refused.status_code == 403
    assert sent == ["lungrater.backup.tasks.make_backup_now"]
    current_app.loader.import_default_modules()
    assert sent[0] in current_app.tasks
    assert Event.objects.get(action="asked for a backup").actor == admin.uuid


def test_without_a_place_for_backups_none_is_queued_and_the_page_says_what_to_set(
    client_of, admin, settings, monkeypatch
):
    settings.BACKUP_URL = ""
    sent: list[str] = []
    monkeypatch.setattr(health_page, "enqueue", lambda task, _asked_at: sent.append(task))

    page = client_of(admin).post(reverse("back_up"), follow=True).content.decode()

    assert sent == []
    assert "BACKUP_URL names no place for backups" in page
    assert "disabled" in page
