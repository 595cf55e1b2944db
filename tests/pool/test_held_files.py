"""What the desk keeps of a held file, and when it lets go of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from audit.models import Event
from pool.imports.tasks import expire_held_files
from pool.models import HeldFile
from pool.release.desk import release
from pool.release.masks import Rectangle
from tests.factories import make_held_file
from tests.pool.files import dicom_file
from tests.pool.odd import brought


def deep_and_held(folder: Path) -> HeldFile:
    values = np.linspace(-1000, 1000, 32 * 32).reshape(32, 32).astype(np.int16)
    (folder / "capture.dcm").write_bytes(dicom_file(values, BurnedInAnnotation="YES"))
    brought(folder / "capture.dcm", modality="ct", window="lung")
    return HeldFile.objects.get()


@pytest.mark.parametrize("mask", [[], [Rectangle(0, 0, 8, 8)]])
@pytest.mark.django_db(transaction=True)
def test_the_values_of_a_held_file_go_with_it_and_none_under_a_mask(
    mask: list[Rectangle], tmp_path: Path, researcher: User
) -> None:
    held_file = deep_and_held(tmp_path)
    laid = str(held_file.values.name)
    assert default_storage.exists(laid)

    image = release(held_file, by=researcher, reason="Nobody's name.", mask=mask)

    assert bool(image.values) is (mask == [])
    assert not default_storage.exists(laid)


@pytest.mark.django_db(transaction=True)
def test_what_nobody_decides_of_in_time_is_let_go_and_may_come_again(tmp_path: Path) -> None:
    overdue = deep_and_held(tmp_path)
    recent = make_held_file()
    HeldFile.objects.filter(pk=overdue.pk).update(created_at=timezone.now() - timedelta(days=366))
    files = [str(overdue.file.name), str(overdue.values.name)]

    expire_held_files()

    assert set(HeldFile.objects.values_list("pk", "state")) == {
        (overdue.pk, "expired"),
        (recent.pk, "waiting"),
    }
    assert not any(default_storage.exists(name) for name in files)
    event = Event.objects.get(action="let a held file expire")
    assert (event.subject_key, event.detail["days"]) == (str(overdue.pk), 365)
    again = brought(tmp_path, modality="ct", window="lung")
    assert [entry["file"] for entry in again["held"]] == ["capture.dcm"]
    assert HeldFile.objects.get(dataset=overdue.dataset).is_waiting


@pytest.mark.django_db
@pytest.mark.parametrize(("days", "is_told"), [(30, True), (0, False)])
def test_the_desk_says_after_how_many_days_a_file_leaves_it(
    admin_client: Client, settings: Any, days: int, is_told: bool
) -> None:
    settings.HELD_FILE_DAYS = days

    page = admin_client.get(reverse("pool:held_files")).content.decode()

    assert (f"After {days} days without a decision" in page) is is_told


@pytest.mark.django_db
def test_where_days_are_nought_nothing_leaves_the_desk_by_itself(settings: Any) -> None:
    held_file = make_held_file()
    settings.HELD_FILE_DAYS = 0
    HeldFile.objects.update(created_at=timezone.now() - timedelta(days=9999))

    expire_held_files()

    held_file.refresh_from_db()
    assert held_file.is_waiting
