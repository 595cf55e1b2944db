"""The same against a PACS that people run: Orthanc with its DICOMweb plugin, where Debian's packages of it are at hand."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from outbound.dicomweb import SeriesQuery
from pool.dicomweb.search import matching_series
from pool.models import DicomwebSource
from tests.pool.test_dicomweb import SERIES, STUDY, ended, slice_of, submitted
from tests.servers.sites import free_port

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
NAME, WORD = "tester", "of-the-test"

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        not (shutil.which("Orthanc") and PLUGIN.exists()), reason="Orthanc and orthanc-dicomweb are not here"
    ),
]


@pytest.fixture
def orthanc(tmp_path: Path) -> Iterator[str]:
    port = free_port()
    settings = {
        "StorageDirectory": str(tmp_path / "store"),
        "IndexDirectory": str(tmp_path / "store"),
        "HttpPort": port,
        "DicomServerEnabled": False,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": True,
        "RegisteredUsers": {NAME: WORD},
        "Plugins": [str(PLUGIN)],
    }
    (tmp_path / "orthanc.json").write_text(json.dumps(settings))
    server = subprocess.Popen(
        ["Orthanc", str(tmp_path / "orthanc.json")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield up(f"http://127.0.0.1:{port}", server)
    finally:
        server.terminate()
        server.wait(20)


def up(address: str, server: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert server.poll() is None, "Orthanc ended"
        try:
            httpx2.get(f"{address}/system", auth=(NAME, WORD)).raise_for_status()
        except httpx2.HTTPError:
            time.sleep(0.1)
        else:
            return address
    raise AssertionError("Orthanc does not answer")


def test_series_of_orthanc_are_searched_and_imported(orthanc: str) -> None:
    key = base64.b64encode(f"{NAME}:{WORD}".encode()).decode()
    for number in range(3):
        stored = httpx2.post(
            f"{orthanc}/instances", content=slice_of(number), headers={"Authorization": f"Basic {key}"}
        )
        assert stored.status_code == 200
    source = DicomwebSource(
        name="Orthanc",
        base_url=f"{orthanc}/dicom-web",
        authentication="basic",
        user_name=NAME,
        in_private_network=True,
    )
    source.keep_secret(WORD)
    source.save()

    matches = matching_series(source, SeriesQuery(modality="CT", patient="4711", first_date="20200101"))
    none_then = matching_series(source, SeriesQuery(study=STUDY, last_date="20191231"))
    job = ended(submitted(source))

    assert [(match.study, match.series, match.instances) for match in matches] == [(STUDY, SERIES, 3)]
    assert none_then == []
    assert (job.state, job.imported, job.error) == ("succeeded", 3, "")
