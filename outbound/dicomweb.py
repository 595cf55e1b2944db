"""A PACS asked by DICOMweb (PS3.18): which series match (QIDO-RS), and the instances of one (WADO-RS), as the bytes they are.

Every answer is bounded in bytes, seconds and shape, no redirect is followed, and what the server says of a series is
held against what was asked: a server that does not know a filter answers as if it had not been there.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import urlsplit

import httpx2

from outbound.addresses import PrivateAddressError
from outbound.multipart import MalformedPartsError, body_parts, media_type_of
from outbound.retry import Patience, seconds_of
from outbound.transport import Bounds, ReplyTooLargeError, public_client

# Some archives have identifiers that are hashes, so letters are let in; a dot alone would lead to another address.
UID = re.compile(r"[0-9A-Za-z][0-9A-Za-z.]{0,63}")
PAGE = 500
MOST_SERIES = 1000
MOST_INSTANCES = 20_000
MOST_PAGES = 1000  # of one list
LIST_BOUNDS = Bounds(total_seconds=60.0, most_bytes=32 * 2**20, read_seconds=30.0)
INSTANCE_SECONDS = 600.0
BUSY = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
DICOM_JSON = {"application/dicom+json", "application/json"}
INSTANCE_TYPES = 'multipart/related; type="application/dicom"; transfer-syntax=*, application/dicom; transfer-syntax=*; q=0.5'
STUDY, SERIES, INSTANCE = "0020000D", "0020000E", "00080018"
MODALITY, DESCRIPTION, BODY_PART, DATE = "00080060", "0008103E", "00180015", "00080020"
NUMBER, INSTANCES, PATIENT = "00200011", "00201209", "00100020"
OF_SERIES = (DATE, MODALITY, DESCRIPTION, BODY_PART, NUMBER, INSTANCES, PATIENT)


class DicomwebError(Exception):
    """The server cannot be worked with as it answers; the message is one sentence."""


class UnusableAnswerError(DicomwebError):
    """This one answer is of no use; another instance may come as it should."""


class AbsentError(UnusableAnswerError):
    """The server has no such thing."""


@dataclass(frozen=True)
class SeriesQuery:
    """What series are to match; what is empty matches all."""

    study: str = ""
    series: str = ""
    patient: str = ""
    modality: str = ""
    body_part: str = ""
    first_date: str = ""  # YYYYMMDD
    last_date: str = ""

    @property
    def parameters(self) -> dict[str, str]:
        dates = f"{self.first_date}-{self.last_date}" if self.first_date or self.last_date else ""
        filters = {
            "StudyInstanceUID": self.study,
            "SeriesInstanceUID": self.series,
            "PatientID": self.patient,
            "Modality": self.modality,
            "BodyPartExamined": self.body_part,
            "StudyDate": dates,
        }
        return {name: value for name, value in filters.items() if value}

    def matches(self, row: Row) -> bool:
        """Whether a row is of what was asked, as far as it says so itself."""
        uids = (self.study, row.text(STUDY)), (self.series, row.text(SERIES))
        if any(wanted_uid and wanted_uid != uid for wanted_uid, uid in uids):
            return False
        words = (self.modality, MODALITY), (self.body_part, BODY_PART), (self.patient, PATIENT)
        if not all(_matches(pattern, row.text(tag)) for pattern, tag in words):
            return False
        date = row.text(DATE).replace(".", "")
        return not date or (self.first_date or date) <= date <= (self.last_date or date)


@dataclass(frozen=True)
class SeriesMatch:
    """A series as the server describes it; texts are the server's own."""

    study: str
    series: str
    modality: str
    description: str
    body_part: str
    date: str
    number: str
    instances: int | None


@dataclass(frozen=True)
class Row:
    """An object of the DICOM JSON model (PS3.18, F.2)."""

    attributes: Mapping[str, Any]

    def text(self, tag: str) -> str:
        """The first value of an attribute as text; empty where there is none or it is no text or number."""
        entry = self.attributes.get(tag)
        values = entry.get("Value") if isinstance(entry, dict) else None
        value = values[0] if isinstance(values, list) and values else ""
        return str(value)[:200].strip() if isinstance(value, str | int | float) else ""


@dataclass(frozen=True)
class DicomwebServer:
    """Where it answers, and by what it lets one in."""

    base_url: str
    headers: Mapping[str, str] = field(repr=False, default_factory=dict)
    allow_private: bool = False

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).hostname or "The server"


class DicomwebClient:
    """Asks one server; use as a context manager. `on_wait` is called between pieces and may raise to stop."""

    def __init__(
        self,
        server: DicomwebServer,
        *,
        most_bytes: int,
        patience: Patience | None = None,
        on_wait: Callable[[], None] = lambda: None,
        list_bounds: Bounds = LIST_BOUNDS,
        instance_seconds: float = INSTANCE_SECONDS,
    ) -> None:
        self.server, self.most_bytes, self._on_wait = server, most_bytes, on_wait
        self._patience = patience or Patience(attempts=4, longest_pause=30.0)
        self._lists = public_client(list_bounds, allow_private=server.allow_private)
        bounds = Bounds(instance_seconds, most_bytes + 2**16, read_seconds=list_bounds.read_seconds)
        self._files = public_client(bounds, allow_private=server.allow_private)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lists.close()
        self._files.close()

    def series(self, query: SeriesQuery) -> list[SeriesMatch]:
        """The series that match, at most MOST_SERIES. Raises DicomwebError."""
        path = f"studies/{checked_uid(query.study)}/series" if query.study else "series"
        parameters = {**query.parameters, "includefield": ",".join(OF_SERIES)}
        rows = self._rows(path, parameters, SERIES, most=MOST_SERIES)
        matches = (_match(row, query.study) for row in rows if query.matches(row))
        return [match for match in matches if UID.fullmatch(match.study)]

    def instances(self, study: str, series: str) -> list[str]:
        """The identifiers of a series' instances, in order. Raises DicomwebError."""
        path = f"studies/{checked_uid(study)}/series/{checked_uid(series)}/instances"
        uids = [row.text(INSTANCE) for row in self._rows(path, {}, INSTANCE, most=MOST_INSTANCES + 1)]
        if len(uids) > MOST_INSTANCES:
            raise DicomwebError(
                f"A series has more than {MOST_INSTANCES} instances, more than are fetched at once."
            )
        return sorted(uids)

    def instance(self, study: str, series: str, uid: str) -> bytes:
        """The DICOM file of one instance. Raises DicomwebError; UnusableAnswerError where another may come."""
        path = f"studies/{checked_uid(study)}/series/{checked_uid(series)}/instances/{checked_uid(uid)}"
        content_type, body = self._get(self._files, path, {}, INSTANCE_TYPES)
        kind = media_type_of(content_type)
        if kind == "application/dicom":
            return body
        if kind != "multipart/related":
            raise UnusableAnswerError(
                f"{self.server.host} answered with {kind or 'a nameless type'} in place of a DICOM file."
            )
        try:
            parts = body_parts(content_type, body)
        except MalformedPartsError as error:
            raise UnusableAnswerError(
                f"The answer of {self.server.host} holds no DICOM file: {error}."
            ) from error
        if len(parts) != 1 or parts[0].media_type not in {"application/dicom", ""}:
            raise UnusableAnswerError(
                f"The answer of {self.server.host} holds {len(parts)} parts in place of one DICOM file."
            )
        return parts[0].content

    def _rows(self, path: str, parameters: dict[str, str], key: str, *, most: int) -> Iterator[Row]:
        """Rows, each identifier once, page by page, until a page brings nothing new.

        Some servers know no pages, and some make them shorter than they were asked to: a short one need not be the last.
        """
        seen_uids: set[str] = set()
        for _ in range(MOST_PAGES):
            paging = {"limit": str(PAGE), "offset": str(len(seen_uids))}
            try:
                page = [Row(entry) for entry in self._list(path, {**parameters, **paging})]
            except AbsentError:
                if seen_uids:  # beyond the end there is nothing
                    return
                raise
            fresh = {
                row.text(key): row
                for row in page
                if UID.fullmatch(row.text(key)) and row.text(key) not in seen_uids
            }
            yield from list(fresh.values())[: most - len(seen_uids)]
            seen_uids |= fresh.keys()
            if not fresh or len(seen_uids) >= most:
                return
        raise DicomwebError(f"{self.server.host} parts a list into more than {MOST_PAGES} pages.")

    def _list(self, path: str, parameters: dict[str, str]) -> list[dict[str, Any]]:
        content_type, body = self._get(self._lists, path, parameters, "application/dicom+json")
        if not body:
            return []
        if media_type_of(content_type) not in DICOM_JSON:
            kind = media_type_of(content_type) or "a nameless type"
            raise UnusableAnswerError(f"{self.server.host} answered with {kind} in place of DICOM JSON.")
        try:
            rows = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise UnusableAnswerError(
                f"{self.server.host} answered with JSON that cannot be read."
            ) from error
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise UnusableAnswerError(f"{self.server.host} answered with no list of DICOM objects.")
        if len(rows) > 2 * MOST_INSTANCES:
            raise UnusableAnswerError(
                f"{self.server.host} answered with a list longer than any that is used."
            )
        return rows

    def _get(
        self, client: httpx2.Client, path: str, parameters: dict[str, str], accept: str
    ) -> tuple[str, bytes]:
        """The type and the bytes of an answer, asked again with patience where the server is busy."""
        for attempt in range(self._patience.attempts):
            last = attempt + 1 == self._patience.attempts
            try:
                with client.stream(
                    "GET",
                    f"{self.server.base_url.rstrip('/')}/{path}",
                    params=parameters,
                    headers={"User-Agent": "LungRater", "Accept": accept, **self.server.headers},
                ) as answer:
                    if answer.status_code not in BUSY:
                        return self._read(answer)
                    sentence = f"{self.server.host} answered {answer.status_code}"
                    retry_after = seconds_of(answer.headers.get("Retry-After"))
            except PrivateAddressError as error:
                raise DicomwebError(str(error)) from error
            except ReplyTooLargeError as error:
                raise UnusableAnswerError(
                    f"An answer of {self.server.host} is longer than it may be."
                ) from error
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                slow = isinstance(error, httpx2.TimeoutException)
                sentence = f"{self.server.host} {'took too long' if slow else 'cannot be reached'}"
                retry_after = None
            if not last:
                self._rest(self._patience.pause(attempt, retry_after=retry_after))
        raise DicomwebError(f"{sentence}, {self._patience.attempts} times; resume the import later.")

    def _read(self, answer: httpx2.Response) -> tuple[str, bytes]:
        self._check_status(answer)
        body = bytearray()
        for piece in answer.iter_raw():
            body += piece
            self._on_wait()
        return answer.headers.get("Content-Type", ""), bytes(body)

    def _check_status(self, answer: httpx2.Response) -> None:
        status, host = answer.status_code, self.server.host
        if status in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}:
            return
        if answer.is_redirect:
            raise DicomwebError(f"{host} leads on to another address, which is not followed.")
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise DicomwebError(f"{host} answered {status}: it does not let this site in as the source says.")
        if status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
            raise AbsentError(f"{host} answered {status}: it has nothing there.")
        raise UnusableAnswerError(f"{host} answered {status}.")

    def _rest(self, seconds: float) -> None:
        """Wait, in steps in which whoever wants to stop can."""
        end = time.monotonic() + seconds
        while (remaining := end - time.monotonic()) > 0:
            self._on_wait()
            time.sleep(min(remaining, 1.0))


def checked_uid(uid: str) -> str:
    """The identifier, which goes into an address. Raises DicomwebError for what is none."""
    if not UID.fullmatch(uid):
        raise DicomwebError("A DICOM identifier is of digits, letters and dots, 64 at most.")
    return uid


def _match(row: Row, study: str) -> SeriesMatch:
    count = row.text(INSTANCES)
    return SeriesMatch(
        study=row.text(STUDY) or study,
        series=row.text(SERIES),
        modality=row.text(MODALITY),
        description=row.text(DESCRIPTION),
        body_part=row.text(BODY_PART),
        date=row.text(DATE),
        number=row.text(NUMBER),
        instances=int(count) if count.isdecimal() and len(count) < 10 else None,
    )


def _matches(pattern: str, value: str) -> bool:
    """DICOM's wild cards (PS3.4, C.2.2.2.4), in either case; a value that is not told matches."""
    if not pattern or not value:
        return True
    return fnmatchcase(value.lower(), pattern.lower().replace("[", "[[]"))
