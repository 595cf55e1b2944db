"""Clients that send or take a byte now and then are given up; slow ones that keep to the rate are served."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from lungrater.deadlines.limits import ANSWER_BYTES_PER_SECOND
from lungrater.embedded.web_worker import LOOK_EVERY
from tests.faults.conftest import Room
from tests.faults.processes import lives, web_server
from tests.servers.reading_site import answer

PATIENCE = 1.5  # seconds, instead of half a minute
CLIENTS = 20  # more than the web server has threads
# Seconds, by what the kernel takes of an answer for a client with a small window.
EARNED = 6_000 / ANSWER_BYTES_PER_SECOND
# Until the last of them has had a thread and lost it, were all of them with one process and its eight threads.
ALL_HAD_THEIR_TURN = (CLIENTS // 8 + 2) * (PATIENCE + EARNED + LOOK_EVERY)
IMAGE = bytes(range(256)) * 8192  # 2 MB
LARGE = IMAGE * 8  # more than the kernel takes of it for a client
KERNELS_SHARE = 6 * 2**20  # at most, unless Linux is set otherwise
DOWNLOAD = "GET /static/%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
FORM = "application/x-www-form-urlencoded"


def head(kind: str, length: int) -> bytes:
    """Of a form whose body has to be read: its proof against forgery may stand in it."""
    lines = ["POST /accounts/login/ HTTP/1.1", "Host: localhost", f"Cookie: csrftoken={'a' * 32}"]
    lines += [f"Content-Type: {kind}", f"Content-Length: {length}"]
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.fixture(scope="module", autouse=True)
def files(room: Room) -> None:
    static = room.site.home / "static"
    static.mkdir(exist_ok=True)
    (static / "large.bin").write_bytes(LARGE)
    (static / "image.bin").write_bytes(IMAGE)


@pytest.fixture(scope="module")
def port(room: Room, files: None) -> Iterator[int]:
    with web_server(room.site.home, WEB_REQUEST_SECONDS=str(PATIENCE)) as (port, _pid):
        yield port


def connection(port: int) -> socket.socket:
    """With a small window, so that an answer of some length waits for its reader."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.settimeout(20)
    line.connect(("127.0.0.1", port))
    return line


@contextlib.contextmanager
def clients(port: int, count: int, words: bytes) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        lines = [stack.enter_context(connection(port)) for _ in range(count)]
        for line in lines:
            line.sendall(words)
        yield lines


def trickle(lines: list[socket.socket], seconds: float) -> None:
    """A byte each, again and again, until the server has hung up or the time is over."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for line in lines:
            with contextlib.suppress(OSError):
                line.sendall(b"x")
        time.sleep(0.2)


def reply(line: socket.socket) -> bytes:
    """All that comes until the server closes."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := line.recv(65536):
            received += piece
    return received


@pytest.mark.parametrize("kind", [FORM, "multipart/form-data; boundary=b"])
def test_bodies_that_trickle_get_408_and_leave_the_threads_to_others(
    room: Room, port: int, kind: str
) -> None:
    with clients(port, CLIENTS, head(kind, 5000)) as lines:
        trickle(lines, 2.5 * PATIENCE)
        others = answer(port, room.reader, room.next_path())
        replies = [reply(line) for line in lines]

    assert others == 200
    assert {each.split(b" ", 2)[1] for each in replies if each} == {b"408"}


def test_heads_that_trickle_are_given_up_too(port: int) -> None:
    with clients(port, CLIENTS, b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ") as lines:
        trickle(lines, 2.5 * PATIENCE)
        is_alive = lives(port)
        replies = [reply(line) for line in lines]

    assert is_alive
    assert set(replies) == {b""}


def test_a_slow_body_that_keeps_to_the_rate_is_read_to_its_end(port: int) -> None:
    """Four times as long on its way as a request may be silent."""
    length = 24_000
    with clients(port, 1, head(FORM, length)) as (line,):
        for _ in range(24):
            line.sendall(b"x" * (length // 24))
            time.sleep(PATIENCE / 6)
        line.shutdown(socket.SHUT_WR)
        status = reply(line).split(b" ", 2)[1]

    assert status == b"403"  # it lacks the proof against forgery, as any such form that came at once


def test_clients_that_stop_reading_their_answer_leave_the_threads_to_others(room: Room, port: int) -> None:
    with clients(port, CLIENTS, (DOWNLOAD % "large.bin").encode()) as lines:
        others = answer(port, room.reader, room.next_path())
        time.sleep(ALL_HAD_THEIR_TURN)
        replies = [reply(line) for line in lines]

    assert others == 200
    assert max(len(each) for each in replies) < len(LARGE)


class Download(threading.Thread):
    """Takes its answer well above the least rate, far too slowly to come to the end, and the rest at once when it may."""

    def __init__(self, line: socket.socket) -> None:
        super().__init__(daemon=True)
        self.line, self.received, self.may_hurry = line, len(line.recv(1000)), threading.Event()
        self.start()

    def run(self) -> None:
        while not self.may_hurry.wait(0.1):
            self.received += len(self.line.recv(20 * ANSWER_BYTES_PER_SECOND // 10))
        self.received += len(reply(self.line))


def test_two_long_downloads_from_one_process_leave_a_rater_to_the_others(room: Room) -> None:
    """Each holds a thread for as long as its reader takes, which is allowed to whoever keeps to the rate."""
    with (
        web_server(room.site.home, WEB_CONCURRENCY="1") as (port, _pid),
        clients(port, 2, (DOWNLOAD % "large.bin").encode()) as lines,
    ):
        downloads = [Download(line) for line in lines]
        saves = [answer(port, room.reader, room.next_path()) for _ in range(5)]
        before = [download.received for download in downloads]
        for download in downloads:
            download.may_hurry.set()
            download.join()

    assert saves == [200] * 5
    assert max(before) < len(LARGE) - KERNELS_SHARE  # so that a thread of the server's still held the rest
    assert min(download.received for download in downloads) > len(LARGE)


def test_an_answer_that_is_taken_slowly_but_at_the_rate_comes_whole(port: int) -> None:
    """At 400 kB/s, for three times as long as a client may take nothing."""
    received = b""
    with clients(port, 1, (DOWNLOAD % "image.bin").encode()) as (line,):
        while piece := line.recv(20_000):
            received += piece
            time.sleep(len(piece) / 400_000)

    assert received.endswith(b"\r\n\r\n" + IMAGE)
