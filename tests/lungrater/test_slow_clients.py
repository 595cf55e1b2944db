"""A client that hardly takes its answer is given up; one that takes it slowly gets all of it."""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from lungrater.embedded import web_worker
from lungrater.embedded.web_worker import BoundedLine


def small_buffers() -> tuple[BoundedLine, socket.socket]:
    ours, clients = socket.socketpair()
    for end in (ours, clients):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return BoundedLine.over(ours), clients


@pytest.mark.parametrize("pause", [0.05, 30.0], ids=["trickling", "silent"])
def test_a_client_that_hardly_takes_its_answer_is_given_up(
    monkeypatch: pytest.MonkeyPatch, pause: float
) -> None:
    monkeypatch.setenv("WEB_REQUEST_SECONDS", "0.5")
    line, clients = small_buffers()
    over = threading.Event()

    def trickle() -> None:
        while not over.wait(pause):
            clients.recv(1)

    with line, clients:
        line.expect_request()
        reader = threading.Thread(target=trickle, daemon=True)
        reader.start()
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            line.sendall(bytes(2**20))
        over.set()
        reader.join(1)

    assert line.sent_too_slowly
    assert time.monotonic() - began < 10


def test_an_answer_and_a_file_taken_slowly_arrive_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """For longer than a client may be silent."""
    monkeypatch.setenv("WEB_REQUEST_SECONDS", "0.3")
    words = os.urandom(40_000)
    (tmp_path / "export.csv").write_bytes(words)
    line, clients = small_buffers()
    received = bytearray()

    def read_slowly() -> None:
        while len(received) < 2 * len(words) - 100:
            received.extend(clients.recv(2000))
            threading.Event().wait(0.02)

    with line, clients:
        line.expect_request()
        reader = threading.Thread(target=read_slowly, daemon=True)
        reader.start()
        began = time.monotonic()
        line.sendall(words)
        with (tmp_path / "export.csv").open("rb") as file:
            number = line.sendfile(file, offset=100, count=len(words) - 100)
        took = time.monotonic() - began
        reader.join(10)

    assert (bytes(received), number) == (words + words[100:], len(words) - 100)
    assert took > 0.3


def test_an_answer_that_is_taken_in_steps_at_the_rate_arrives_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a proxy takes it for a slow client: nothing for longer than a client may be silent, then much at once."""
    monkeypatch.setenv("WEB_REQUEST_SECONDS", "0.2")
    line, clients = small_buffers()
    received = bytearray()

    def read_in_steps() -> None:
        while len(received) < 40_000:
            received.extend(clients.recv(20_000, socket.MSG_WAITALL))
            threading.Event().wait(1)

    with line, clients:
        line.expect_request()
        reader = threading.Thread(target=read_in_steps, daemon=True)
        reader.start()
        line.sendall(bytes(40_000))
        reader.join(10)

    assert bytes(received) == bytes(40_000)


def test_what_the_site_does_with_a_body_is_no_slowness_of_its_client(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, clients = socket.socketpair()
    with BoundedLine.over(ours) as line, clients:
        line.expect_request()
        clients.sendall(b"ab")
        first = line.recv(1)
        an_hour_later = time.monotonic() + 3600
        monkeypatch.setattr(web_worker, "time", SimpleNamespace(monotonic=lambda: an_hour_later))

        second = line.recv(1)

    assert (first, second) == (b"a", b"b")
