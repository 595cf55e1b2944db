"""Requests that end: against servers that send a byte now and then, nothing, or without end."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2
import pytest

from outbound.addresses import PrivateAddressError, is_public
from outbound.retry import Patience, seconds_of
from outbound.transport import Bounds, ReplyTooLargeError, api_client, public_client

BOUNDS = Bounds(total_seconds=0.6, most_bytes=1000, connect_seconds=0.5, read_seconds=0.3)
# The bounds are in tenths of seconds; a busy machine may need some seconds more, an unbounded wait much more.
ENDS_WITHIN = 10.0
HEAD = b"HTTP/1.1 200 OK\r\n"

Talk = Callable[[socket.socket], None]


@contextlib.contextmanager
def serving(talk: Talk) -> Iterator[str]:
    """The address of a server that does this with every visitor."""
    over = threading.Event()

    def serve(server: socket.socket) -> None:
        while not over.is_set():
            with contextlib.suppress(OSError):
                line, _ = server.accept()
                threading.Thread(target=conversation, args=(line,), daemon=True).start()

    def conversation(line: socket.socket) -> None:
        with contextlib.suppress(OSError), line:
            line.recv(65536)
            talk(line)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        over.set()


def drip(line: socket.socket, data: bytes) -> None:
    """A byte each tenth of a second: no single read waits for long."""
    for number in range(len(data)):
        line.sendall(data[number : number + 1])
        threading.Event().wait(0.1)


def silent(_line: socket.socket) -> None:
    threading.Event().wait(20)


def dripping_head(line: socket.socket) -> None:
    drip(line, HEAD + b"X: " + b"x" * 300)


def dripping_body(line: socket.socket) -> None:
    line.sendall(HEAD + b"Content-Length: 300\r\n\r\n")
    drip(line, b"x" * 300)


def dripping_chunks(line: socket.socket) -> None:
    line.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    drip(line, b"1\r\nx\r\n" * 60)


@pytest.mark.parametrize("talk", [silent, dripping_head, dripping_body, dripping_chunks])
def test_a_server_that_does_not_come_to_an_end_is_given_up(talk: Talk) -> None:
    with serving(talk) as url, api_client(url, BOUNDS) as client:
        began = time.monotonic()

        with pytest.raises(httpx2.ReadTimeout):
            client.get(url)

    assert time.monotonic() - began < ENDS_WITHIN


def endless(line: socket.socket) -> None:
    line.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        line.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")


def packed(line: socket.socket) -> None:
    line.sendall(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nxxx")


@pytest.mark.parametrize("talk", [endless, packed])
def test_a_reply_without_end_or_of_hidden_length_is_not_read(talk: Talk) -> None:
    with serving(talk) as url, api_client(url, BOUNDS) as client, pytest.raises(ReplyTooLargeError):
        client.get(url)


def short(line: socket.socket) -> None:
    line.sendall(HEAD + b"Content-Length: 2\r\nConnection: close\r\n\r\nok")


def test_each_request_has_bounds_of_its_own() -> None:
    with serving(short) as url, api_client(url, BOUNDS) as client:
        answers = []
        for _ in range(3):
            answers.append(client.get(url).text)
            time.sleep(BOUNDS.total_seconds / 2)

    assert answers == ["ok"] * 3


def test_no_request_leaves_on_a_line_that_the_server_may_be_closing() -> None:
    """It says that it keeps the line, as servers do, and closes it all the same."""
    lines: list[socket.socket] = []

    def kept(line: socket.socket) -> None:
        lines.append(line)
        line.sendall(HEAD + b"Content-Length: 2\r\n\r\nok")
        line.recv(65536)

    with serving(kept) as url, api_client(url, BOUNDS) as client:
        answers = [client.get(url).text for _ in range(3)]

    assert answers == ["ok"] * 3
    assert len(lines) == 3


def test_a_redirect_is_not_followed_by_itself() -> None:
    def elsewhere(line: socket.socket) -> None:
        line.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://example.org/\r\nContent-Length: 0\r\n\r\n")

    with serving(elsewhere) as url, api_client(url, BOUNDS) as client:
        assert client.get(url).status_code == 302


def test_a_private_address_is_only_talked_to_where_that_is_allowed() -> None:
    with serving(short) as url:
        with public_client(BOUNDS, allow_private=True) as client:
            assert client.get(url).text == "ok"
        with public_client(BOUNDS, allow_private=False) as client, pytest.raises(PrivateAddressError):
            client.get(url)


def test_a_name_that_is_looked_up_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: threading.Event().wait(20))
    began = time.monotonic()

    with public_client(BOUNDS, allow_private=True) as client, pytest.raises(httpx2.ConnectTimeout):
        client.get("http://slow.example/")

    assert time.monotonic() - began < ENDS_WITHIN


def test_the_talk_goes_to_the_address_that_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    answers = iter([[(0, 0, 0, "", ("8.8.8.8", 80))], [(0, 0, 0, "", ("127.0.0.1", 80))]])
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: next(answers))

    def connect(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        asked.append(address[0])
        raise OSError("no route in a test")

    monkeypatch.setattr("socket.create_connection", connect)

    with public_client(BOUNDS, allow_private=False) as client, pytest.raises(httpx2.ConnectError):
        client.get("http://turning.example/")

    assert asked == ["8.8.8.8"]


@pytest.mark.parametrize(
    ("address", "public"),
    [("8.8.8.8", True), ("127.0.0.1", False), ("64:ff9b::a00:1", False), ("fe80::1%eth0", False)],
)
def test_what_is_public(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_how_long_to_wait_is_read_in_both_of_its_forms() -> None:
    in_a_minute = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)

    assert seconds_of("7") == 7
    assert seconds_of(in_a_minute) == pytest.approx(60, abs=5)
    assert (seconds_of(None), seconds_of("soon"), seconds_of("-3")) == (None, None, 0)
    assert Patience(longest_pause=2).pause(9, retry_after=600) == 2
    assert 0.5 <= Patience().pause(0, retry_after=None) <= 1
