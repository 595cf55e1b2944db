"""Files come in pieces by tus 1.0.0: nothing acknowledged is lost, nobody else sees or touches them, and all is bounded."""

from __future__ import annotations

import base64
import fcntl
import io
import lzma
import os
import tarfile
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.http import UnreadablePostError
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from jobs import disk_space
from lungrater.privacy.erasure import erase
from pool.models import Dataset, Image, ImportJob, ResumableUpload
from pool.uploads import staging
from pool.uploads.tasks import drop_abandoned_uploads
from tests.pool.files import image_bytes

pytestmark = pytest.mark.django_db

TUS = {"Tus-Resumable": "1.0.0"}
DATA = bytes(range(256)) * 40


class Sender:
    """A person who speaks tus."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def create(self, length: int | str, headers: dict[str, str] | None = None, **metadata: str) -> Any:
        pairs = ",".join(
            f"{key} {base64.b64encode(text.encode()).decode()}" for key, text in metadata.items()
        )
        sent = {**TUS, "Upload-Length": str(length), "Upload-Metadata": pairs, **(headers or {})}
        return self.client.post(reverse("pool:resumable_uploads"), headers=sent)

    def begun(self, length: int = len(DATA), **metadata: str) -> str:
        return str(self.create(length, None, **metadata)["Location"])

    def head(self, url: str, headers: dict[str, str] = TUS) -> Any:
        return self.client.head(url, headers=headers)

    def patch(self, url: str, offset: int | str, data: bytes, headers: dict[str, str] | None = None) -> Any:
        sent = {**TUS, "Upload-Offset": str(offset), **(headers or {})}
        return self.client.patch(url, data, content_type="application/offset+octet-stream", headers=sent)

    def sent(self, data: bytes, **metadata: str) -> ResumableUpload:
        url = self.begun(len(data), **metadata)
        assert self.patch(url, 0, data).status_code == 204
        return ResumableUpload.objects.get(pk=url.rsplit("/", 1)[1])


@pytest.fixture
def sender(researcher: User, client_of: Callable[[User], Client]) -> Sender:
    return Sender(client_of(researcher))


def packed(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return target.getvalue()


def test_a_file_comes_in_pieces_and_is_whole(sender: Sender) -> None:
    created = sender.create(len(DATA), filename="scans/größe 1.dcm", fingerprint="ab" * 32)
    url = created["Location"]

    first = sender.patch(url, 0, DATA[:3000])
    between = sender.head(url)
    last = sender.patch(url, 3000, DATA[3000:])

    assert (created.status_code, first.status_code, last.status_code) == (201, 204, 204)
    assert (first["Upload-Offset"], last["Upload-Offset"]) == ("3000", str(len(DATA)))
    assert (between.status_code, between["Upload-Offset"], between["Upload-Length"]) == (
        200,
        "3000",
        str(len(DATA)),
    )
    assert between["Cache-Control"] == "no-store"
    assert all(answer["Tus-Resumable"] == "1.0.0" for answer in (created, first, between, last))
    row = ResumableUpload.objects.get()
    assert (row.name, row.is_complete, row.fingerprint) == ("scans/größe 1.dcm", True, "ab" * 32)
    with row.file.open() as file:
        assert file.read() == DATA
    assert not staging.staging_path(row).exists()


def test_what_the_site_speaks_it_says_without_being_asked_in_it(sender: Sender) -> None:
    answer = sender.client.options(reverse("pool:resumable_uploads"))

    assert answer.status_code == 204
    assert answer["Tus-Version"] == "1.0.0"
    assert answer["Tus-Extension"] == "creation,termination,expiration"
    assert answer["Tus-Max-Size"] == str(20 * 2**30)


@pytest.mark.parametrize(
    ("ask", "status"),
    [
        (lambda sender, url: sender.head(url, {}), 412),
        (lambda sender, url: sender.patch(url, 0, b"x", {"Tus-Resumable": "0.2.2"}), 412),
        (lambda sender, url: sender.patch(url, 5, b"x"), 409),
        (lambda sender, url: sender.patch(url, "-1", b"x"), 400),
        (lambda sender, url: sender.patch(url, 0, DATA + b"x"), 413),
        (lambda sender, url: sender.client.patch(url, b"x", headers={**TUS, "Upload-Offset": "0"}), 415),
        (lambda sender, url: sender.client.put(url, b"x", headers=TUS), 405),
        (lambda sender, url: sender.client.get(url, headers=TUS), 405),
        (lambda sender, _url: sender.create("many"), 400),
        (lambda sender, _url: sender.create(20 * 2**30 + 1), 413),
        (lambda sender, _url: sender.create(1, {"Upload-Defer-Length": "1"}), 400),
        (lambda sender, _url: sender.create(1, {"Upload-Metadata": "filename !!!"}), 400),
    ],
)
def test_a_request_that_is_not_of_the_protocol_changes_nothing(
    sender: Sender, ask: Callable[[Sender, str], Any], status: int
) -> None:
    url = sender.begun()

    answer = ask(sender, url)

    assert answer.status_code == status
    assert answer["Tus-Resumable"] == "1.0.0"
    assert sender.head(url)["Upload-Offset"] == "0"
    assert ResumableUpload.objects.count() == 1


def test_a_proxy_that_lets_only_posts_through_is_no_obstacle(sender: Sender) -> None:
    url = sender.begun()
    headers = {**TUS, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}

    answer = sender.client.post(url, DATA, content_type="application/offset+octet-stream", headers=headers)

    assert (answer.status_code, answer["Upload-Offset"]) == (204, str(len(DATA)))


def test_of_two_pieces_at_once_one_is_turned_away(sender: Sender) -> None:
    url = sender.begun()
    upload = ResumableUpload.objects.get()

    with staging.appending(upload):
        turned_away = sender.patch(url, 0, DATA)
    after = sender.patch(url, 0, DATA)

    assert (turned_away.status_code, after.status_code) == (409, 204)


def test_what_came_before_the_line_broke_stays(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    url = sender.begun()
    pieces = iter([DATA[:1000], DATA[1000:1700]])

    def breaks(*_args: Any) -> bytes:
        try:
            return next(pieces)
        except StopIteration:
            raise UnreadablePostError from None

    monkeypatch.setattr("django.core.handlers.wsgi.WSGIRequest.read", breaks)
    sender.patch(url, 0, DATA)
    monkeypatch.undo()

    assert sender.head(url)["Upload-Offset"] == "1700"
    assert sender.patch(url, 1700, DATA[1700:]).status_code == 204
    with ResumableUpload.objects.get().file.open() as file:
        assert file.read() == DATA


def test_a_process_that_dies_before_the_last_note_loses_nothing(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = sender.begun()

    def dies(_upload: ResumableUpload) -> None:
        raise SystemExit

    monkeypatch.setattr(staging, "_complete", dies)  # the file is moved, and nobody wrote that down
    with pytest.raises(SystemExit):
        sender.patch(url, 0, DATA)
    monkeypatch.undo()

    assert sender.head(url)["Upload-Offset"] == str(len(DATA))
    assert ResumableUpload.objects.get().is_complete


def test_a_look_in_the_moment_in_which_an_upload_ends_harms_nothing(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = sender.begun()
    upload = ResumableUpload.objects.get()
    staging.staging_path(upload).write_bytes(DATA)  # the last piece is here, and its request about to end
    lock = fcntl.flock

    def ends_meanwhile(*how: Any) -> None:
        monkeypatch.setattr(fcntl, "flock", lock)
        staging.settle(ResumableUpload.objects.get())
        lock(*how)

    monkeypatch.setattr(fcntl, "flock", ends_meanwhile)
    looked = sender.head(url)

    assert looked["Upload-Offset"] == str(len(DATA))
    with ResumableUpload.objects.get().file.open() as file:
        assert file.read() == DATA
    with pytest.raises(staging.GoneError), staging.appending(upload):
        """Nothing is begun anew where an upload has ended."""


def test_nobody_else_sees_goes_on_with_or_drops_an_upload(
    sender: Sender, admin: User, client_of: Callable[[User], Client]
) -> None:
    url = sender.begun()
    other = Sender(client_of(admin))

    answers = [other.head(url), other.patch(url, 0, DATA), other.client.delete(url, headers=TUS)]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert all("Upload-Offset" not in answer for answer in answers)
    assert other.client.get(reverse("pool:resumable_uploads")).json() == {"uploads": []}


def test_who_may_not_import_may_not_send(rater: User, client_of: Callable[[User], Client]) -> None:
    assert Sender(client_of(rater)).create(5).status_code == 403


def test_an_upload_that_is_dropped_is_gone_with_its_bytes(sender: Sender) -> None:
    urls = [sender.begun(), sender.begun()]
    sender.patch(urls[0], 0, DATA[:10])
    sender.patch(urls[1], 0, DATA)
    paths = [staging.staging_path(row) for row in ResumableUpload.objects.all()]
    (stored,) = ResumableUpload.objects.complete()

    dropped = [sender.client.delete(url, headers=TUS).status_code for url in urls]

    assert dropped == [204, 204]
    assert [sender.head(url).status_code for url in urls] == [404, 404]
    assert not any(path.exists() for path in paths)
    assert not default_storage.exists(stored.stored_name)


@override_settings(UPLOAD_MOST_GB_PERSON=1)
def test_a_person_may_have_so_much_here_and_no_more(sender: Sender) -> None:
    assert sender.create(2**30 - 5).status_code == 201

    refused = sender.create(6)

    assert refused.status_code == 413
    assert b"1 GB" in refused.content
    assert sender.create(5).status_code == 201


def test_a_full_disk_takes_no_upload_and_names_no_path(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = sender.begun()
    monkeypatch.setattr(disk_space, "LEAST_FREE", 1.1)
    monkeypatch.setattr(disk_space.shortage, "__defaults__", (1.1,))

    refused = [sender.create(5), sender.patch(url, 0, DATA)]

    assert [answer.status_code for answer in refused] == [507, 507]
    assert not any(b"/" in answer.content for answer in refused)


def test_what_all_uploads_announce_must_fit_on_the_disk(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = type("Disk", (), {"total": 1000, "free": 900, "used": 100})
    monkeypatch.setattr("pool.uploads.quotas.shutil.disk_usage", lambda _folder: room)
    monkeypatch.setattr("pool.uploads.quotas.shortage", lambda: "")

    statuses = [sender.create(length).status_code for length in (500, 301, 300)]

    assert statuses == [201, 507, 201]


def test_uploads_nobody_goes_on_with_are_dropped_with_stray_bytes(sender: Sender) -> None:
    old, new = sender.begun(), sender.begun()
    ResumableUpload.objects.filter(pk=old.rsplit("/", 1)[1]).update(
        touched_at=timezone.now() - timedelta(days=8)
    )
    stray = staging.folder() / "stray"
    stray.write_bytes(b"x")
    os.utime(stray, (0, 0))

    drop_abandoned_uploads()

    assert [sender.head(url).status_code for url in (old, new)] == [404, 200]
    assert not stray.exists()


def test_what_an_erased_person_has_sent_goes_with_them(sender: Sender, researcher: User) -> None:
    complete, half = sender.sent(DATA), sender.begun()

    erase(researcher, by=None, reason="Asked for it.")

    assert not ResumableUpload.objects.exists()
    assert not default_storage.exists(complete.stored_name)
    assert not (staging.folder() / uuid.UUID(half.rsplit("/", 1)[1]).hex).exists()


def test_a_folder_sent_in_packs_keeps_its_folders(
    sender: Sender, django_capture_on_commit_callbacks: Any
) -> None:
    long = f"normal/{'x' * 90}/{'ü' * 40}.png"
    packs = [
        sender.sent(packed({"covid/1.png": image_bytes(), "BZh/2.png": image_bytes()}), pack="1"),
        sender.sent(packed({long: image_bytes(), "normal/bad.png": b"x"}), pack="1", filename="pack"),
    ]
    fields = {"name": "Ours", "origin": "real", "modality": "xray", "labels": "folder"}

    answer = sender.client.post(
        reverse("pool:upload"), {**fields, "sent": " ".join(str(pack.pk) for pack in packs)}
    )
    job = ImportJob.objects.get()
    job.perform()

    assert answer.status_code == 302, answer.content.decode()
    assert dict(job.images.values_list("source_name", "label")) == {
        "covid/1.png": "covid",
        "BZh/2.png": "BZh",
        long: "x" * 90,
    }
    assert [outcome.file for outcome in job.outcomes.refused()] == ["normal/bad.png"]
    assert (job.total, ResumableUpload.objects.count()) == (4, 0)


def oversized(kind: bytes, size: int) -> bytes:
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


HOSTILE_PACKS: dict[str, Callable[[], bytes]] = {
    "packed by xz": lambda: lzma.compress(packed({"a.png": image_bytes()})),
    "a header of 2 MB": lambda: oversized(tarfile.XHDTYPE, 2**21) + bytes(2**21) + packed({"a.png": b"x"}),
    "a name of no length": lambda: oversized(tarfile.GNUTYPE_LONGNAME, -512) + packed({"a.png": b"x"}),
    "headers upon headers": lambda: (oversized(tarfile.XHDTYPE, 0) * 2000) + packed({"a.png": b"x"}),
    "a size beyond all files": lambda: oversized(tarfile.REGTYPE, 2**80) + packed({"a.png": b"x"}),
}


@pytest.mark.parametrize("name", HOSTILE_PACKS)
def test_a_hostile_pack_ends_in_a_sentence(sender: Sender, name: str) -> None:
    pack = sender.sent(HOSTILE_PACKS[name](), pack="1")
    fields = {"name": "Ours", "origin": "real", "modality": "xray", "labels": "none", "sent": str(pack.pk)}
    sender.client.post(reverse("pool:upload"), fields)
    job = ImportJob.objects.get()

    job.perform()

    (refusal,) = job.outcomes.refused()
    assert refusal.reason.startswith(("The tar cannot be read to its end", "The tar unpacks to"))
    assert not job.images.exists()


def test_files_of_others_or_half_sent_ones_are_not_imported(
    sender: Sender, admin: User, client_of: Callable[[User], Client]
) -> None:
    others = Sender(client_of(admin)).sent(image_bytes(), filename="a.png")
    half = sender.begun()
    fields = {"name": "Ours", "origin": "real", "modality": "xray", "labels": "none"}

    for key in (str(others.pk), half.rsplit("/", 1)[1], "nonsense"):
        answer = sender.client.post(reverse("pool:upload"), {**fields, "sent": key})

        assert answer.status_code == 422
        assert "choose them again" in answer.content.decode()
    assert not Dataset.objects.exists()
    assert not Image.objects.exists()


def test_a_large_file_is_moved_not_copied_into_the_import(sender: Sender) -> None:
    upload = sender.sent(image_bytes(seed=3), filename="a.png")
    number = Path(default_storage.path(upload.stored_name)).stat().st_ino

    fields = {"name": "Ours", "origin": "real", "modality": "xray", "labels": "none", "sent": str(upload.pk)}
    sender.client.post(reverse("pool:upload"), fields)

    (file,) = ImportJob.objects.get().uploads.all()
    assert Path(file.file.path).stat().st_ino == number
    assert file.name == "a.png"
