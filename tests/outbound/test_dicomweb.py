"""A PACS by DICOMweb: asked as the standard says, and given up in a sentence where it does not answer so."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from outbound.dicomweb import (
    AbsentError,
    DicomwebClient,
    DicomwebError,
    DicomwebServer,
    SeriesQuery,
    UnusableAnswerError,
)
from outbound.retry import Patience
from outbound.transport import Bounds
from tests.pool.files import dicom_file
from tests.pool.pacs import Answer, Pacs, endless, multipart, ok, serving

STUDY, SERIES, OTHER = "1.2.3", "1.2.3.4", "1.2.3.5"
AT_ONCE = Patience(attempts=2, first_pause=0.0)
BOUNDS = Bounds(total_seconds=5.0, most_bytes=2**20, read_seconds=0.5)


def slice_of(series: str, number: int, **tags: object) -> bytes:
    values = np.full((16, 16), number, dtype=np.int16)
    return dicom_file(values, StudyInstanceUID=STUDY, SeriesInstanceUID=series, **tags)


@pytest.fixture
def pacs() -> Iterator[Pacs]:
    held = Pacs()
    for number in range(3):
        held.store(slice_of(SERIES, number, SeriesDescription="HELICAL", SeriesNumber="7"))
    held.store(slice_of(OTHER, 9, Modality="CR", PatientID="0815"))
    with serving(held):
        yield held


def client(pacs: Pacs, *, private: bool = True, **headers: str) -> DicomwebClient:
    server = DicomwebServer(pacs.address, headers, private)
    return DicomwebClient(
        server, most_bytes=2**17, patience=AT_ONCE, list_bounds=BOUNDS, instance_seconds=5.0
    )


def test_series_instances_and_the_very_bytes_of_a_file(pacs: Pacs) -> None:
    with client(pacs) as asking:
        [match] = asking.series(SeriesQuery(modality="CT"))
        uids = asking.instances(match.study, match.series)
        files = {asking.instance(match.study, match.series, uid) for uid in uids}

    assert (match.series, match.modality, match.description, match.number) == (SERIES, "CT", "HELICAL", "7")
    assert match.instances == 3
    assert files == {entry.data for entry in pacs.instances if entry.series == SERIES}


@pytest.mark.parametrize(
    "query",
    [
        SeriesQuery(modality="cr"),
        SeriesQuery(patient="08*"),
        SeriesQuery(series=OTHER),
        SeriesQuery(study=STUDY, modality="C?", patient="0815", first_date="20200101", last_date="20200101"),
    ],
)
def test_a_server_that_knows_no_filters_brings_nothing_that_was_not_asked(
    pacs: Pacs, query: SeriesQuery
) -> None:
    pacs.knows_filters = False

    with client(pacs) as asking:
        matches = asking.series(query)

    assert [match.series for match in matches] == [OTHER]


def test_dates_are_held_against_the_range(pacs: Pacs) -> None:
    pacs.knows_filters = False

    with client(pacs) as asking:
        assert asking.series(SeriesQuery(first_date="20200102")) == []
        assert asking.series(SeriesQuery(last_date="20191231")) == []


@pytest.mark.parametrize("knows_pages", [True, False])
def test_a_long_series_comes_once_with_pages_and_without(
    pacs: Pacs, monkeypatch: pytest.MonkeyPatch, knows_pages: bool
) -> None:
    monkeypatch.setattr("outbound.dicomweb.PAGE", 2)
    pacs.knows_pages = knows_pages

    with client(pacs) as asking:
        uids = asking.instances(STUDY, SERIES)

    assert uids == sorted(entry.uid for entry in pacs.instances if entry.series == SERIES)


def test_pages_shorter_than_asked_for_cut_no_series(pacs: Pacs) -> None:
    pacs.longest_page = 2

    with client(pacs) as asking:
        uids = asking.instances(STUDY, SERIES)

    assert uids == sorted(entry.uid for entry in pacs.instances if entry.series == SERIES)


def test_a_list_of_ever_more_pages_ends_in_a_sentence(pacs: Pacs, monkeypatch: pytest.MonkeyPatch) -> None:
    pacs.longest_page = 1
    monkeypatch.setattr("outbound.dicomweb.MOST_PAGES", 2)

    with client(pacs) as asking, pytest.raises(DicomwebError, match="more than 2 pages"):
        asking.instances(STUDY, SERIES)


ODD_FILES: dict[str, tuple[Callable[[], Answer], str]] = {
    "a web page": (lambda: ok(b"<html>Sign in</html>", "text/html"), "text/html"),
    "no type": (lambda: ("200 OK", {"Content-Length": "1"}, [b"x"]), "a nameless type"),
    "no parts": (multipart, "0 parts"),
    "two parts": (lambda: multipart(b"a", b"b"), "2 parts"),
    "another part": (lambda: multipart(b"a", part_type="image/jpeg"), "1 parts"),
    "parts without end": (lambda: multipart(*[b""] * 21), "more than 20 parts"),
    "a part that breaks off": (lambda: multipart(b"a", closed=False), "breaks off"),
    "no boundary": (lambda: ok(b"--x\r\n\r\n", "multipart/related"), "divided by"),
    "an endless body": (lambda: endless("application/dicom"), "longer than it may be"),
    "a packed body": (
        lambda: ("200 OK", {"Content-Type": "application/dicom", "Content-Encoding": "gzip"}, [b"x"]),
        "longer than it may be",
    ),
    "an error of its own": (lambda: ("500 Oh", {}, [b""]), "answered 500"),
}


@pytest.mark.parametrize("name", ODD_FILES)
def test_an_odd_file_is_named_and_the_next_may_come(pacs: Pacs, name: str) -> None:
    pacs.odd["/instances/"], words = ODD_FILES[name]

    with client(pacs) as asking, pytest.raises(UnusableAnswerError, match=words):
        asking.instance(STUDY, SERIES, "1.2")


ODD_LISTS: dict[str, tuple[Callable[[], Answer], str]] = {
    "a web page": (lambda: ok(b"<html>", "text/html"), "text/html in place of DICOM JSON"),
    "no JSON": (lambda: ok(b"[{", "application/json"), "cannot be read"),
    "deep JSON": (lambda: ok(b"[" * 200_000, "application/json"), "cannot be read"),
    "an object": (lambda: ok(b"{}", "application/dicom+json"), "no list"),
    "numbers": (lambda: ok(b"[1]", "application/dicom+json"), "no list"),
    "a list without end": (
        lambda: ok(b"[" + b"{}," * 40_000 + b"{}]", "application/dicom+json"),
        "longer than any",
    ),
    "an endless list": (lambda: endless("application/dicom+json"), "longer than it may be"),
    "nothing there": (lambda: ("404 Not Found", {}, [b""]), "nothing there"),
    "another place": (lambda: ("302 Found", {"Location": "http://192.0.2.1/"}, [b""]), "leads on"),
    "no way in": (lambda: ("403 Forbidden", {}, [b""]), "does not let this site in"),
    "too busy": (lambda: ("503 Busy", {}, [b""]), "answered 503, 2 times"),
}


@pytest.mark.parametrize("name", ODD_LISTS)
def test_an_odd_list_ends_in_a_sentence(pacs: Pacs, name: str) -> None:
    pacs.odd["/series"], words = ODD_LISTS[name]

    with client(pacs) as asking, pytest.raises(DicomwebError, match=words):
        asking.series(SeriesQuery(modality="CT"))


def test_rows_that_say_nothing_usable_are_left_out(pacs: Pacs) -> None:
    rows = [
        {},
        {"0020000E": {"Value": ["../../admin"]}, "0020000D": {"Value": ["1.2"]}},
        {"0020000E": {"Value": ["1.9"]}, "0020000D": {"Value": [{}]}},
        {"0020000E": {"Value": "1.9"}},
        {"0020000E": {"Value": ["1.7"]}, "0020000D": {"Value": ["1.2"]}, "00201209": {"Value": [-1]}},
    ]
    pacs.odd["/series"] = lambda: ok(json.dumps(rows).encode(), "application/dicom+json")

    with client(pacs) as asking:
        matches = asking.series(SeriesQuery(modality="CT"))

    assert [(match.study, match.series, match.instances) for match in matches] == [("1.2", "1.7", None)]


def test_a_slow_server_is_asked_again_and_given_up(pacs: Pacs) -> None:
    moments = iter([True])

    def once_busy() -> Answer:
        if next(moments, False):
            return "503 Busy", {"Retry-After": "0"}, [b""]
        return ok(b"[]", "application/dicom+json")

    pacs.odd["/series"] = once_busy

    with client(pacs) as asking:
        assert asking.series(SeriesQuery(modality="CT")) == []
    assert len(pacs.requests) == 2


def test_a_private_address_is_asked_only_where_it_is_allowed(pacs: Pacs) -> None:
    with client(pacs, private=False) as asking, pytest.raises(DicomwebError, match="private network"):
        asking.series(SeriesQuery(modality="CT"))
    assert pacs.requests == []


def test_the_key_goes_along_and_stands_in_no_text_of_the_server(pacs: Pacs) -> None:
    pacs.authorization = "Bearer s3cret"

    with client(pacs, Authorization="Bearer s3cret") as asking:
        assert len(asking.series(SeriesQuery(modality="CT"))) == 1
        assert "s3cret" not in repr(asking.server)
    with client(pacs) as asking, pytest.raises(DicomwebError, match="answered 401"):
        asking.series(SeriesQuery(modality="CT"))


@pytest.mark.parametrize("uid", ["", ".", "..", "../1", "1/2", "1 2", "1" * 65, "1%2e"])
def test_no_identifier_leads_to_another_address(pacs: Pacs, uid: str) -> None:
    with client(pacs) as asking, pytest.raises(DicomwebError, match="identifier"):
        asking.instances(STUDY, uid)


def test_an_instance_that_is_gone_says_so(pacs: Pacs) -> None:
    with client(pacs) as asking, pytest.raises(AbsentError):
        asking.instance(STUDY, SERIES, "9.9.9")
