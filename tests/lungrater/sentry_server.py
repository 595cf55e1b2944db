"""A server that takes reports of errors by Sentry's envelope protocol, and keeps every byte."""

from __future__ import annotations

import contextlib
import gzip
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import sentry_sdk

from lungrater.error_reports.sending import report_errors


@dataclass
class SentryServer:
    dsn: str
    bodies: list[bytes] = field(default_factory=list)

    def events(self) -> list[dict[str, Any]]:
        """Of each envelope (its own line, then a line of a head and one of a body for each item) the events."""
        lines = [body.split(b"\n") for body in self.bodies]
        pairs = [
            (json.loads(head), item)
            for each in lines
            for head, item in zip(each[1::2], each[2::2], strict=False)
        ]
        return [json.loads(item) for head, item in pairs if head.get("type") == "event"]


@contextlib.contextmanager
def sentry_server() -> Iterator[SentryServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        sentry = SentryServer(f"http://a-public-key@127.0.0.1:{server.server_port}/1")

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                is_packed = self.headers.get("Content-Encoding") == "gzip"
                sentry.bodies.append(gzip.decompress(body) if is_packed else body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Not among pytest's lines."""

        server.RequestHandlerClass = Handler
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield sentry
        server.shutdown()


@contextlib.contextmanager
def reporting_to(dsn: str) -> Iterator[None]:
    """This process reports what it logs as an error, and afterwards no longer."""
    report_errors(dsn, release="lungrater@test")
    try:
        yield
    finally:
        sentry_sdk.get_client().close(timeout=0.0)
        sentry_sdk.get_global_scope().set_client(None)
