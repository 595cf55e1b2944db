"""Series from a PACS: searched, chosen, fetched through the gate of files, and none of it twice."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from io import StringIO
from itertools import count
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from audit.models import Event
from outbound.retry import Patience
from pool.dicomweb import runner
from pool.dicomweb.forms import SourceForm
from pool.dicomweb.runner import forget_series
from pool.dicomweb.search import MOST_SERIES
from pool.imports import tasks as import_tasks
from pool.models import DicomwebSource, Image, ImportJob
from tests.api.callers import caller, post
from tests.factories import make_dataset
from tests.pool.files import dicom_file
from tests.pool.pacs import Answer, Pacs, endless, multipart, ok, serving
from tests.pool.test_series import AXIAL

pytestmark = pytest.mark.django_db

STUDY, SERIES = "1.2.840.77", "1.2.840.77.1"
SECRET = "of the archive"
BASIC = "Basic " + base64.b64encode(f"lungrater:{SECRET}".encode()).decode()


def slice_of(number: int, *, series: str = SERIES, **tags: Any) -> bytes:
    values = np.full((32, 32), -1000, dtype=np.int16)
    values[8 : 12 + number] = 40
    place = {"ImagePositionPatient": [0, 0, 5 * number], "ImageOrientationPatient": AXIAL}
    uids = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": series}
    return dicom_file(values, SeriesDescription="Mister^CT lungs", **place, **uids, **tags)


@pytest.fixture
def pacs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pacs]:
    monkeypatch.setattr(runner, "PATIENCE", Patience(attempts=2, first_pause=0.0))
    held = Pacs(authorization=BASIC)
    for number in range(4):
        held.store(slice_of(number))
    with serving(held):
        yield held


@pytest.fixture
def source(pacs: Pacs) -> DicomwebSource:
    row = DicomwebSource(
        name="Archive",
        base_url=pacs.address,
        authentication="basic",
        user_name="lungrater",
        in_private_network=True,
    )
    row.keep_secret(SECRET)
    row.save()
    return row


def submitted(source: DicomwebSource, *series: str, slices: str = "", dataset: Any = None) -> ImportJob:
    return ImportJob.objects.create(
        dataset=dataset or make_dataset(modality="ct"),
        dicomweb_source=source,
        dicomweb_series=[[STUDY, uid] for uid in series or (SERIES,)],
        slices=slices,
    )


def ended(job: ImportJob) -> ImportJob:
    import_tasks.run_import_job(job.pk)
    job.refresh_from_db()
    return job


def test_a_person_searches_chooses_and_imports(
    client: Client, researcher: User, source: DicomwebSource, pacs: Pacs
) -> None:
    client.force_login(researcher)
    search = {"search-source": source.pk, "search-modality": "CT", "search-patient": "4711"}

    page = client.post("/pool/dicomweb/", search)
    into = {"source": source.pk, "name": "Fetched", "origin": "real", "modality": "ct", "import": "yes"}
    answer = client.post("/pool/dicomweb/", search | into | {"chosen_series": [f"{STUDY} {SERIES}"]})
    job = ended(ImportJob.objects.get())

    assert "Mister^CT lungs" in page.text
    assert "1 series match" in page.text
    assert page.headers["Cache-Control"].count("no-store")
    assert answer.headers["Location"] == job.get_absolute_url()
    assert (job.state, job.imported, job.done, job.total) == ("succeeded", 4, 4, 4)
    assert len(pacs.fetched) == 4
    assert "Archive" in client.get(job.get_absolute_url()).text


def test_a_search_that_goes_on_and_on_ends_in_a_sentence(
    client: Client, researcher: User, source: DicomwebSource, pacs: Pacs, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = count(1)

    def one_more_series() -> Answer:
        row = {
            "0020000D": {"vr": "UI", "Value": ["1.2"]},
            "0020000E": {"vr": "UI", "Value": [f"1.2.{next(numbers)}"]},
        }
        return ok(json.dumps([row]).encode(), "application/dicom+json")

    pacs.odd["/series"] = one_more_series
    monkeypatch.setattr("pool.dicomweb.search.MOST_SECONDS", 0.3)
    client.force_login(researcher)

    page = client.post("/pool/dicomweb/", {"search-source": source.pk, "search-modality": "CT"})

    assert "has not told all its series within 0.3 s: ask for fewer." in page.text
    assert len(pacs.requests) < MOST_SERIES


def test_nothing_that_names_a_patient_or_a_study_stays(
    source: DicomwebSource, researcher: User, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    client.force_login(researcher)
    client.post("/pool/dicomweb/", {"search-source": source.pk, "search-patient": "4711"})
    job = ended(submitted(source))
    forget_series()

    rows = json.dumps(
        [*Image.objects.values(), *ImportJob.objects.values(), *Event.objects.values()], default=str
    )

    assert job.imported == 4
    for text in ("4711", "Mister", STUDY, SECRET):
        assert text not in rows
        assert text not in caplog.text


def test_the_same_series_again_is_not_fetched_again(source: DicomwebSource, pacs: Pacs) -> None:
    first = ended(submitted(source))
    late = pacs.store(slice_of(9))
    pacs.requests.clear()

    again = ended(submitted(source, dataset=first.dataset))

    assert (again.imported, again.outcomes.duplicates().count()) == (1, 4)
    assert pacs.fetched == [late.uid]


def test_a_stopped_import_goes_on_with_what_it_lacks(source: DicomwebSource, pacs: Pacs) -> None:
    down = iter([False, False])

    def breaks_down() -> Answer:
        if next(down, True):
            return "503 Down", {}, [b""]
        return multipart(pacs.instances[len(pacs.fetched) - 1].data)

    pacs.instances.sort(key=lambda entry: entry.uid)
    pacs.odd["/instances/"] = breaks_down
    job = ended(submitted(source))
    states = [(job.state, job.imported, job.error)]
    pacs.odd.clear()
    pacs.requests.clear()
    job.resume(enqueue=False)

    ended(job)

    assert states == [("failed", 2, "127.0.0.1 answered 503, 2 times; resume the import later.")]
    assert (job.state, job.imported, job.images.count()) == ("succeeded", 4, 4)
    assert len(pacs.fetched) == 2


def test_one_bad_answer_is_a_refused_file_and_asked_for_again_on_resuming(
    source: DicomwebSource, pacs: Pacs
) -> None:
    bad = pacs.instances[0].uid
    pacs.odd[bad] = lambda: ok(b"<html>", "text/html")
    job = ended(submitted(source))

    [refused] = job.outcomes.refused()

    assert (job.state, job.imported) == ("succeeded", 3)
    assert refused.reason == "127.0.0.1 answered with text/html in place of a DICOM file."
    assert bad not in refused.file


def test_a_server_that_sends_nothing_but_web_pages_ends_the_import(
    source: DicomwebSource, pacs: Pacs
) -> None:
    for number in range(4, 9):
        pacs.store(slice_of(number))
    pacs.odd["/instances/"] = lambda: ok(b"<html>", "text/html")

    job = ended(submitted(source))

    assert (job.state, len(pacs.fetched)) == ("failed", 5)
    assert job.error.endswith("So it was 5 times in a row.")


def test_a_fetch_can_be_stopped_within_a_file_that_does_not_end(
    source: DicomwebSource, pacs: Pacs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pool.imports.uploads.TELL_EVERY", 0.0)
    job, cancelled = submitted(source), threading.Event()
    pieces = endless("application/dicom")

    def stops_after_a_piece() -> Iterator[bytes]:
        for piece in pieces[2]:
            yield piece
            cancelled.set()

    pacs.odd["/instances/"] = lambda: (*pieces[:2], stops_after_a_piece())
    beat = ImportJob.beat

    def cancelled_beat(self: ImportJob, **values: Any) -> None:
        if cancelled.is_set():
            self.request_cancel()
        beat(self, **values)

    monkeypatch.setattr(ImportJob, "beat", cancelled_beat)

    ended(job)

    assert (job.state, job.has_its_files) == ("cancelled", True)


def test_the_gate_of_files_refuses_holds_and_stacks(source: DicomwebSource, pacs: Pacs) -> None:
    pacs.store(slice_of(11, series="1.2.840.77.2", BurnedInAnnotation="YES"))

    held = ended(submitted(source, "1.2.840.77.2"))
    stack = ended(submitted(source, slices="stack"))

    assert [row.hold_reason for row in held.held_files.all()] != []
    assert [(image.slices, image.modality) for image in stack.images.all()] == [(4, "ct")]


def test_a_source_without_its_secret_or_gone_says_what_to_do(
    source: DicomwebSource, settings: Any, admin: User
) -> None:
    job = submitted(source)
    settings.SECRET_KEY = "another"
    under_another_key = ended(job).error
    source.remove(by=admin)

    orphan = submitted(source=None)  # type: ignore[arg-type]  # as a removed source leaves it
    job.refresh_from_db()

    assert "an admin gives it again" in under_another_key
    assert ended(orphan).error == "The source no longer exists: choose the series anew."
    assert not job.has_its_files


# --- Sources ------------------------------------------------------------------------------------------------


def described(**changes: Any) -> dict[str, Any]:
    return {
        "name": "PACS",
        "base_url": "https://pacs.example.org/dicom-web/",
        "authentication": "bearer",
        "secret": SECRET.replace(" ", "-"),
        **changes,
    }


def test_a_secret_is_sealed_and_shown_nowhere(client: Client, admin: User) -> None:
    client.force_login(admin)
    client.post("/pool/dicomweb/sources/", described())
    source = DicomwebSource.objects.get()

    pages = [client.get(f"/pool/dicomweb/sources/{end}").text for end in ("", f"{source.pk}/")]
    events = json.dumps(list(Event.objects.values("action", "detail")), default=str)

    assert source.server.headers == {"Authorization": "Bearer of-the-archive"}
    assert "of-the-archive" not in source.sealed_secret + "".join(pages) + events
    assert "made a DICOMweb source" in events


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"base_url": "ftp://pacs.example.org"}, "base_url"),
        ({"base_url": "https://name:word@pacs.example.org/"}, "base_url"),
        ({"base_url": "https://pacs.example.org/?key=1"}, "base_url"),
        ({"base_url": "http://pacs.example.org/"}, "base_url"),
        ({"authentication": "basic"}, "user_name"),
        ({"authentication": "basic", "user_name": "a:b"}, "user_name"),
        ({"secret": ""}, "secret"),
        ({"secret": "two words"}, "secret"),
        ({"secret": "a\r\nX-Other: b"}, "secret"),
    ],
)
def test_a_source_that_would_tell_or_lose_its_secret_is_refused(
    db: None, changes: dict[str, Any], field: str
) -> None:
    form = SourceForm(described(**changes))

    assert not form.is_valid()
    assert list(form.errors) == [field]


def test_a_kept_secret_goes_to_no_other_server(admin: User) -> None:
    form = SourceForm(described())
    assert form.is_valid()
    source = form.save_by(admin)

    same = SourceForm(described(secret="", base_url="https://pacs.example.org/other"), instance=source)
    elsewhere = SourceForm(described(secret="", base_url="https://thief.example.org/"), instance=source)

    assert same.is_valid()
    assert same.save_by(admin).server.headers == {"Authorization": "Bearer of-the-archive"}
    assert list(elsewhere.errors) == ["secret"]


def test_a_private_address_needs_an_admins_word(source: DicomwebSource, pacs: Pacs) -> None:
    DicomwebSource.objects.update(in_private_network=False)

    job = ended(submitted(source))

    assert "private network" in job.error
    assert pacs.requests == []


# --- The command and the API ----------------------------------------------------------------------------------


def imported(*options: str) -> str:
    out = StringIO()
    into = ["--dataset", "Fetched", "--origin", "real", "--modality", "ct"]
    call_command("import", "--dicomweb", "Archive", *into, *options, stdout=out)
    return out.getvalue()


def test_the_command_lists_and_imports(source: DicomwebSource, pacs: Pacs) -> None:
    listed = imported("--query", "Modality=CT", "--query", "StudyDate=20200101", "--list")
    report = json.loads(imported("--series", SERIES, "--slices", "every:2", "--json"))

    assert listed.splitlines()[-1] == "1 series."
    assert (report["imported"], len(report["unchosen"])) == (2, 2)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "Say something of the series"),
        (["--query", "PatientName=X"], "no 'PatientName'"),
        (["--study", "../x"], "identifier"),
        (["--query", "StudyDate=soon"], "valid date"),
        (["--query", "Modality=US"], "No series matches"),
    ],
)
def test_the_command_refuses_in_the_forms_own_words(
    source: DicomwebSource, options: list[str], sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence):
        imported(*options)


def test_a_program_searches_and_imports(source: DicomwebSource, researcher: User, pacs: Pacs) -> None:
    program = caller(researcher, "read", "write")
    dataset = make_dataset(modality="ct")
    dataset.give_to_maker(researcher)

    sources = program.get("/api/v1/dicomweb-sources").json()["results"]
    matches = post(program, f"/api/v1/dicomweb-sources/{source.pk}/search", {"modality": "CT"}).json()
    chosen = [f"{match['study']} {match['series']}" for match in matches]
    address = f"/api/v1/datasets/{dataset.pk}/dicomweb-imports/{source.pk}"
    answer = post(program, address, {"chosen_series": chosen})

    assert "secret" not in json.dumps(sources)
    assert [match["instances"] for match in matches] == [4]
    assert answer.status_code == 202
    assert ended(ImportJob.objects.get(pk=answer.json()["id"])).imported == 4
