"""A local server that speaks OpenAI's Images API and does what a script tells it, one answer a request."""

from __future__ import annotations

import base64
import contextlib
import email
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pool.canonical.pixels import encode_png
from tests.factories import make_pixels


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: dict[str, Any] | bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False


def image_answer(*, side: int = 256, **more: Any) -> Answer:
    """An image no other answer has."""
    text = base64.b64encode(encode_png(make_pixels(side=side))).decode()
    return Answer(body={"created": 1, "data": [{"b64_json": text, **more}]})


def error(status: int, code: str | None = None, message: str = "no", **headers: str) -> Answer:
    body = {"error": {"message": message, "type": "error", "param": None, "code": code}}
    return Answer(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


HANG_UP = Answer(hang_up=True)


@dataclass
class ImagesAPI:
    """What was asked, and what is answered next; after the script, images of the size that is asked for."""

    url: str
    script: list[Answer] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    delay: float = 0.0
    """Seconds that each answer takes."""

    def next_answer(self) -> Answer:
        if self.script:
            return self.script.pop(0)
        return image_answer(side=int(str(self.asked[-1]["size"]).split("x")[0]))


@contextlib.contextmanager
def serving() -> Iterator[ImagesAPI]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    api = ImagesAPI(f"http://127.0.0.1:{server.server_port}/v1")
    server.RequestHandlerClass = _handler(api)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _fields(body: bytes, content_type: str) -> dict[str, Any]:
    """What a request says: JSON, or for an edit a form with the image's bytes in it."""
    if content_type == "application/json":
        return dict(json.loads(body))
    form = email.message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    parts = {part.get_param("name", header="Content-Disposition"): part for part in form.walk()}
    given = {str(name): part.get_payload(decode=True) for name, part in parts.items() if name}
    return {name: value if name == "image" else bytes(value).decode() for name, value in given.items()}


def _handler(api: ImagesAPI) -> type[BaseHTTPRequestHandler]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                api.asked.append(_fields(body, self.headers["Content-Type"]))
                api.keys.append(self.headers["Authorization"])
                answer = api.next_answer()
            time.sleep(api.delay)
            if not answer.hang_up:
                self._send(answer)
            self.close_connection = True

        def _send(self, answer: Answer) -> None:
            raw = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            with contextlib.suppress(OSError):  # who asked may have been killed meanwhile
                self.wfile.write(raw)

        log_message: Callable[..., None] = lambda *_: None

    return Handler
