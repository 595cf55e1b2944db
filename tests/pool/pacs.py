"""A small PACS that speaks DICOMweb on loopback, and on demand answers as it should not."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from socketserver import ThreadingMixIn
from typing import Any
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from pydicom import dcmread

Answer = tuple[str, dict[str, str], Iterable[bytes]]
BOUNDARY = "in-between"
TAGS = ("StudyDate", "Modality", "SeriesDescription", "BodyPartExamined", "SeriesNumber", "PatientName")


@dataclass(frozen=True)
class Instance:
    data: bytes
    study: str
    series: str
    uid: str
    attributes: dict[str, Any]


@dataclass
class Pacs:
    """What it holds, what it was asked, and in place of which answers it gives odd ones: by a part of the path."""

    address: str = ""
    authorization: str = ""  # the header that it wants
    knows_filters: bool = True
    knows_pages: bool = True
    longest_page: int = 9999
    instances: list[Instance] = field(default_factory=list)
    odd: dict[str, Callable[[], Answer]] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str], str]] = field(default_factory=list)

    def store(self, data: bytes) -> Instance:
        dataset = dcmread(BytesIO(data))
        attributes = {
            f"{element.tag:08X}": {
                "vr": element.VR,
                "Value": [json.loads(json.dumps(element.value, default=str))],
            }
            for element in dataset
            if element.keyword
            in {*TAGS, "PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"}
        }
        instance = Instance(
            data,
            str(dataset.StudyInstanceUID),
            str(dataset.SeriesInstanceUID),
            str(dataset.SOPInstanceUID),
            attributes,
        )
        self.instances.append(instance)
        return instance

    @property
    def fetched(self) -> list[str]:
        """The instances whose files were asked for, in order."""
        return [path.rsplit("/", 1)[1] for path, _, _ in self.requests if "/instances/" in path]

    def answer(self, path: str, query: dict[str, str], authorization: str) -> Answer:
        self.requests.append((path, query, authorization))
        if self.authorization and authorization != self.authorization:
            return "401 Unauthorized", {"WWW-Authenticate": "Basic"}, [b"no"]
        for part, make in self.odd.items():
            if part in path:
                return make()
        words = path.removeprefix("/dicom-web/").split("/")
        held_here = self.instances
        for kind, uid in zip(words[::2], words[1::2], strict=False):
            attribute = {"studies": "study", "series": "series", "instances": "uid"}[kind]
            held_here = [entry for entry in held_here if getattr(entry, attribute) == uid]
        if words[-2:-1] == ["instances"]:
            return self._file(held_here)
        return self._list(words[-1], held_here, query)

    def _file(self, instances: list[Instance]) -> Answer:
        if not instances:
            return "404 Not Found", {"Content-Type": "application/json"}, [b"{}"]
        return multipart(instances[0].data)

    def _list(self, level: str, instances: list[Instance], query: dict[str, str]) -> Answer:
        rows = {entry.series if level == "series" else entry.uid: entry for entry in instances}
        entries = [entry for entry in rows.values() if not self.knows_filters or fits(entry, query)]
        if self.knows_pages:
            start = int(query.get("offset", "0"))
            entries = entries[start : start + min(self.longest_page, int(query.get("limit", "9999")))]
        listed = [
            entry.attributes
            | {"00201209": {"vr": "IS", "Value": [sum(other.series == entry.series for other in instances)]}}
            for entry in entries
        ]
        return ok(json.dumps(listed).encode(), "application/dicom+json")

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        query = {name: values[0] for name, values in parse_qs(environ["QUERY_STRING"]).items()}
        authorization = environ.get("HTTP_AUTHORIZATION", "")
        status, headers, body = self.answer(environ["PATH_INFO"], query, authorization)
        start_response(status, list(headers.items()))
        return body


def fits(entry: Instance, query: dict[str, str]) -> bool:
    tags = {"Modality": "00080060", "PatientID": "00100020", "SeriesInstanceUID": "0020000E"}
    asked_for = {tag: query[name] for name, tag in tags.items() if name in query}
    return all(
        entry.attributes.get(tag, {}).get("Value", [""])[0] == value for tag, value in asked_for.items()
    )


def ok(body: bytes, content_type: str) -> Answer:
    return "200 OK", {"Content-Type": content_type, "Content-Length": str(len(body))}, [body]


def multipart(*files: bytes, closed: bool = True, part_type: str = "application/dicom") -> Answer:
    head = f"--{BOUNDARY}\r\nContent-Type: {part_type}\r\n\r\n".encode()
    body = b"".join(head + file + b"\r\n" for file in files) + (
        f"--{BOUNDARY}--\r\n".encode() if closed else b""
    )
    return ok(body, f'multipart/related; type="application/dicom"; boundary={BOUNDARY}')


def endless(content_type: str) -> Answer:
    def pieces() -> Iterator[bytes]:
        for _ in range(100_000):
            yield b" " * 2**16

    return "200 OK", {"Content-Type": content_type}, pieces()


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A visitor that hangs up is none."""


class Handler(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextlib.contextmanager
def serving(pacs: Pacs) -> Iterator[Pacs]:
    with make_server("127.0.0.1", 0, pacs, server_class=Server, handler_class=Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        pacs.address = f"http://127.0.0.1:{server.server_port}/dicom-web"
        yield pacs
        server.shutdown()
        thread.join()
