"""The nightly backup: when it is due, what it leaves, and who hears of one that failed."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from lungrater.backup import tasks
from lungrater.backup.archive import verified_manifest
from lungrater.backup.nightly import back_up_if_due, back_up_now, is_due, next_due
from lungrater.backup.tasks import make_backup_now, make_nightly_backup
from lungrater.database.alone import alone
from lungrater.monitoring.health import _state
from lungrater.monitoring.signs_of_life import BACKUP, SignOfLife
from tests.factories import make_image

NIGHT = datetime(2026, 3, 1, 2, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    _state.cache_clear()


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.BACKUP_URL, settings.BACKUP_KEEP, settings.BACKUP_HOUR = str(tmp_path / "nightly"), 2, 2
    return tmp_path / "nightly"


@pytest.mark.parametrize(
    ("hours_ago", "problem", "at", "due"),
    [
        (24, "", NIGHT, True),
        (1, "", NIGHT, False),  # tonight's is there
        (14, "", NIGHT + timedelta(hours=14), False),  # by day, after last night's
        (27, "", NIGHT + timedelta(hours=14), True),  # the site was off at night
        (0.5, "no room", NIGHT, False),
        (1, "no room", NIGHT, True),
        (1, "no room", NIGHT + timedelta(hours=9), True),
    ],
)
def test_a_backup_is_due_once_a_night_and_again_after_a_failure(
    hours_ago: float, problem: str, at: datetime, due: bool
) -> None:
    last = SignOfLife(part=BACKUP, at=at - timedelta(hours=hours_ago), problem=problem)

    assert is_due(last, at, hour=2) is due


def test_a_site_that_never_had_one_is_due_at_once() -> None:
    assert is_due(None, NIGHT + timedelta(hours=9), hour=2)


@pytest.mark.parametrize(
    ("hours_ago", "problem", "expected"),
    [
        (0.1, "", NIGHT.replace(minute=0) + timedelta(days=1)),
        (24, "", NIGHT),
        (0.5, "no room", NIGHT.replace(hour=3, minute=0)),
    ],
    ids=["tomorrow night", "now", "again in an hour"],
)
def test_the_next_backup_is_at_the_first_hour_at_which_it_is_due(
    hours_ago: float, problem: str, expected: datetime
) -> None:
    last = SignOfLife(part=BACKUP, at=NIGHT - timedelta(hours=hours_ago), problem=problem)

    assert next_due(last, NIGHT, hour=2) == expected


@pytest.mark.django_db(transaction=True)
def test_a_backup_by_hand_is_made_whatever_the_hour_and_counts_among_the_newest_few(folder: Path) -> None:
    assert back_up_if_due(NIGHT)
    by_day = NIGHT + timedelta(hours=5)

    assert not back_up_if_due(by_day)
    assert back_up_now(by_day)

    assert sorted(path.name for path in folder.iterdir()) == [
        "lungrater-20260301T021000Z.backup",
        "lungrater-20260301T071000Z.backup",
    ]


@pytest.mark.django_db(transaction=True)
def test_a_button_pressed_again_before_its_backup_was_made_makes_no_twin(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pressed = int(datetime.now(UTC).timestamp())
    hours = (NIGHT + timedelta(hours=number) for number in range(3))
    monkeypatch.setattr(tasks, "timezone", SimpleNamespace(now=lambda: next(hours)))

    for _ in range(3):
        make_backup_now(pressed)

    assert len(list(folder.iterdir())) == 1


@pytest.mark.django_db(transaction=True)
def test_the_newest_few_stay_and_nothing_else_is_touched(folder: Path) -> None:
    make_image()
    folder.mkdir()
    for name in ("lungrater-20250101T020000Z.backup", "lungrater-20250102T020000Z.backup", "mine.backup"):
        (folder / name).write_bytes(b"")

    assert back_up_if_due(NIGHT)

    tonight = folder / "lungrater-20260301T021000Z.backup"
    assert sorted(path.name for path in folder.iterdir()) == [
        "lungrater-20250102T020000Z.backup",
        tonight.name,
        "mine.backup",
    ]
    manifest = verified_manifest(tonight, lambda _count: None)
    assert (manifest.files, manifest.tables["pool_image"], manifest.missing) == (1, 1, [])
    assert SignOfLife.objects.get(part=BACKUP).problem == ""


@pytest.mark.django_db(transaction=True)
def test_a_file_that_is_gone_is_named_in_the_backup(folder: Path) -> None:
    image = make_image()
    image.file.storage.delete(str(image.file.name))

    back_up_if_due(NIGHT)

    [backup] = folder.iterdir()
    assert verified_manifest(backup, lambda _count: None).missing == [image.file.name]


@pytest.mark.django_db(transaction=True)
def test_two_workers_do_not_make_it_twice(folder: Path) -> None:
    with alone("backup"):
        is_done = back_up_if_due(NIGHT)

    assert not is_done
    assert not folder.exists()


@pytest.mark.django_db(transaction=True)
def test_a_failing_backup_is_seen_at_healthz_and_in_the_log(
    folder: Path, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    folder.write_text("a file where the folder should be")

    with caplog.at_level(logging.ERROR):
        make_nightly_backup()

    health = client.get("/healthz").json()
    assert "backup" in health["missing"]
    assert health["last_backup"]["ok"] is False
    assert "the nightly backup failed: The backup could not be written" in caplog.text


@pytest.mark.django_db
def test_an_old_backup_is_seen_at_healthz(folder: Path, client: Client) -> None:
    SignOfLife.objects.create(part=BACKUP, at=datetime.now(UTC) - timedelta(hours=31))

    assert "backup" in client.get("/healthz").json()["missing"]
