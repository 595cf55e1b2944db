"""How many requests a web process works on at a time, and who need not wait for them."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from gunicorn.config import Config
from gunicorn.http import get_parser
from gunicorn.util import close_graceful

from lungrater.embedded import web_worker
from lungrater.embedded.turns import Turns
from lungrater.embedded.web_worker import BoundedLine
from tests.servers.sites import (
    REPOSITORY,
    STARTS_WITHIN,
    STOPS_WITHIN,
    free_port,
    takes_connections,
    wait_until_it_answers,
)

SAVE = b"POST /reading/a/rate/b/ HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nAccept: */*\r\n\r\nlabel=rea"
NO_SAVE = SAVE.replace(b"/reading/", b"/images/")
FOR_EVER = 20.0  # seconds
CLIENTS = 20  # for each of which gunicorn itself would wait for two seconds at least
MOST = CLIENTS + 5  # connections that a web process takes


WAITS_FOR_A_SAVE = """
import threading
came, waits = threading.Event(), []

def application(environ, start_response):
    if environ["REQUEST_METHOD"] == "POST":
        environ["wsgi.input"].read()
        if waits:
            came.set()
        start_response("200 OK", [("Content-Length", "5")])
        return [b"saved"]
    return waiting(start_response("200 OK", []))

def waiting(write):
    waits.append(True)
    yield b"wait: "
    yield b"a save came" if came.wait(20) else b"nobody came"
"""


@pytest.fixture(autouse=True)
def turns(monkeypatch: pytest.MonkeyPatch) -> Turns:
    """This test's own, and nobody goes without one."""
    turns = Turns(longest_wait=FOR_EVER)
    monkeypatch.setattr(web_worker, "TURNS", turns)
    return turns


@contextlib.contextmanager
def requests(number: int) -> Iterator[list[tuple[BoundedLine, socket.socket]]]:
    """So many lines on which a request has begun to come, with the ends of their clients."""
    with contextlib.ExitStack() as stack:
        lines = []
        for _ in range(number):
            ours, client = socket.socketpair()
            line = BoundedLine.over(ours)
            stack.enter_context(line)
            stack.enter_context(client)
            stack.callback(line.give_turn_back)
            line.expect_request()
            client.sendall(b"GET")
            lines.append((line, client))
        yield lines


def begin(line: BoundedLine) -> None:
    """Take up a request and read its first bytes, as a thread of the web server does."""
    line.take_turn()
    line.recv(3)


class Reading(threading.Thread):
    """Reads the next bytes of a request, the first ones with a turn taken."""

    def __init__(self, line: BoundedLine, *, is_new: bool = True) -> None:
        super().__init__(daemon=True)
        self.line, self.is_new, self.may_work = line, is_new, threading.Event()
        self.start()

    def run(self) -> None:
        if self.is_new:
            begin(self.line)
        else:
            self.line.recv(3)
        self.may_work.set()


def test_a_second_request_waits_until_the_first_has_its_answer() -> None:
    with requests(2) as [(first, _client), (second, _other)]:
        begin(first)
        waiting = Reading(second)
        went_before = waiting.may_work.wait(0.2)
        first.sendall(b"200 ")

        assert waiting.may_work.wait(FOR_EVER)
    assert not went_before


def test_a_save_waits_for_nobody_and_the_rest_until_no_save_is_worked_on() -> None:
    with requests(4) as lines:
        (first, _client), (save, _of_save), (other_save, _of_other_save), (last, _of_last) = lines
        save.brings_save = other_save.brings_save = True
        for line in (first, save, other_save):
            begin(line)
        first.sendall(b"200 ")
        waiting = Reading(last)
        went_before_both = waiting.may_work.wait(0.2)
        save.sendall(b"200 ")
        went_before_one = waiting.may_work.wait(0.2)
        other_save.sendall(b"2")  # the first bytes of its answer, however slowly its client takes the others

        assert waiting.may_work.wait(FOR_EVER)
    assert not went_before_both
    assert not went_before_one


def test_whose_client_has_yet_to_send_the_rest_leaves_the_turn_to_others() -> None:
    with requests(2) as [(slow, client), (other, _other_client)]:
        begin(slow)
        rest = Reading(slow, is_new=False)

        assert Reading(other).may_work.wait(FOR_EVER)
        other.give_turn_back()
        client.sendall(b" / ")
        assert rest.may_work.wait(FOR_EVER)
        assert slow.has_turn
        assert not other.has_turn


def test_who_holds_the_turn_for_long_is_not_waited_for(turns: Turns) -> None:
    turns.longest_wait = 0.05
    with requests(4) as lines:
        began = time.monotonic()
        for line, _client in lines:
            begin(line)
        took = time.monotonic() - began

        assert [line.has_turn for line, _client in lines] == [True, False, False, False]
    assert 3 * 0.05 <= took < 5


@pytest.mark.parametrize("brings_save", [False, True])
def test_every_turn_is_given_back_once(turns: Turns, *, brings_save: bool) -> None:
    """After an answer in pieces, and after a request that broke off."""
    with requests(2) as [(answered, _client), (broken_off, client)]:
        answered.brings_save = brings_save
        begin(answered)
        for _ in range(3):
            answered.sendall(b"piece")
        answered.give_turn_back()
        begin(broken_off)
        client.close()
        end = [broken_off.recv(3), broken_off.recv(3)]
        broken_off.give_turn_back()

    assert end == [b"", b""]
    assert_nobody_has(turns)


def test_a_request_that_came_with_the_one_before_has_its_turn_and_the_end_of_the_line_takes_none(
    turns: Turns,
) -> None:
    """gunicorn takes the second one out of what it has read, and reads what is left before it closes."""
    ours, client = socket.socketpair()
    line = BoundedLine.over(ours)
    with line, client:
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n" * 2)
        parser = get_parser(Config(), line, ("127.0.0.1", 1))
        had_turn = []
        for _ in range(2):
            line.expect_request()
            line.take_turn()
            next(parser)
            had_turn.append(line.has_turn)
            parser.finish_body()
            line.sendall(b"200 ")
        client.sendall(b"x")
        client.shutdown(socket.SHUT_WR)
        close_graceful(line)

    assert had_turn == [True, True]
    assert_nobody_has(turns)


@pytest.mark.parametrize(
    ("came", "is_save"),
    [
        (SAVE, True),
        (SAVE.replace(b"Content-Length", b"content-length"), True),
        (SAVE + b"GET /", True),  # the next request, behind it
        (SAVE[:-1], False),
        (SAVE[:-9], False),
        (SAVE[: SAVE.index(b"Accept")], False),
        (SAVE.replace(b"POST", b"GET"), False),
        (NO_SAVE, False),
        (SAVE.replace(b"Content-Length: 9\r\n", b""), False),
        (SAVE.replace(b": 9\r\n", b": 99999999\r\n"), False),
        (SAVE.replace(b"Content-Length: 9\r\n", b"") + b"\r\nContent-Length: 1\r\n\r\n1", False),
        (b"", False),
    ],
)
def test_only_a_raters_answer_that_has_come_whole_is_a_save(came: bytes, is_save: bool) -> None:
    assert web_worker.is_save(came) is is_save


def test_what_has_come_is_seen_and_nothing_of_it_taken() -> None:
    ours, client = socket.socketpair()
    with BoundedLine.over(ours) as line, client:
        before = line.come()
        client.sendall(SAVE)
        client.shutdown(socket.SHUT_WR)
        while_unread = line.come()
        line.expect_request()
        read = line.recv(4096)

        assert (before, while_unread, read, line.come()) == (None, SAVE, SAVE, b"")


@pytest.fixture
def address(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """Of a web process with one thread besides those for saves."""
    (tmp_path / "waits_for_a_save.py").write_text(WAITS_FOR_A_SAVE)
    port = free_port()
    worker = (
        f"--worker-class lungrater.embedded.web_worker.BoundedWorker --threads 1 --worker-connections {MOST}"
    )
    place = (
        f"--chdir {tmp_path} --bind 127.0.0.1:{port} --no-control-socket --graceful-timeout 1 --keep-alive 75"
    )
    command = [sys.executable, "-m", "gunicorn", *worker.split(), *place.split(), "waits_for_a_save"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as server:
        try:
            wait_until_it_answers(server, lambda: takes_connections(port), STARTS_WITHIN)
            yield "127.0.0.1", port
        finally:
            server.terminate()
            server.wait(STOPS_WITHIN)


def test_a_save_is_answered_while_all_other_threads_have_work(address: tuple[str, int]) -> None:
    """Another request is answered once the save has come: where both need the one thread there is, neither would be."""
    with socket.create_connection(address, 60) as saving, socket.create_connection(address, 60) as waiting:
        saves = [answer_to(saving, SAVE, b"saved")]
        answer_to(waiting, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"wait: ")
        saves.append(answer_to(saving, SAVE, b"saved"))
        answer = answer_to(waiting, b"", b" came")

    assert all(saves)
    assert b"a save came" in answer


@pytest.mark.parametrize("request_before", [b"", NO_SAVE.replace(b"1.1", b"1.0")], ids=["new", "ended"])
def test_clients_that_only_hold_their_connection_keep_nobody_waiting(
    address: tuple[str, int], request_before: bytes
) -> None:
    """gunicorn waits seconds for each of them, for a first byte with a thread and for an end with all it has."""
    with contextlib.ExitStack() as stack:
        for _ in range(CLIENTS):
            line = stack.enter_context(socket.create_connection(address, FOR_EVER))
            line.sendall(request_before)
        line = stack.enter_context(socket.create_connection(address, FOR_EVER))

        assert b"saved" in answer_to(line, NO_SAVE, b"saved")


def test_connections_that_wait_for_nothing_leave_room_for_others(address: tuple[str, int]) -> None:
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(socket.create_connection(address, FOR_EVER)) for _ in range(2 * MOST)]
        line = stack.enter_context(socket.create_connection(address, FOR_EVER))

        assert b"saved" in answer_to(line, NO_SAVE, b"saved")
        assert idle[0].recv(1) == b""  # it made room


def test_no_connection_counts_once_it_is_closed(address: tuple[str, int]) -> None:
    requests_before = [b"", b"G", b"\r\nGET", NO_SAVE, SAVE, SAVE.replace(b"1.1", b"1.0")]
    for request_before, is_reset in itertools.product(requests_before, [0, 1]):
        for _ in range(MOST):
            with socket.create_connection(address, FOR_EVER) as line:
                line.sendall(request_before)
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", is_reset, 0))
    with socket.create_connection(address, FOR_EVER) as line:
        assert b"saved" in answer_to(line, NO_SAVE, b"saved")


def assert_nobody_has(turns: Turns) -> None:
    turns.longest_wait = 0
    assert [turns.take(is_save=False) for _ in range(2)] == [True, False]


def answer_to(line: socket.socket, request: bytes, last_words: bytes) -> bytes:
    """What comes, up to these words; all of it where the line ends first."""
    line.sendall(request)
    answer = b""
    while last_words not in answer and (part := line.recv(4096)):
        answer += part
    return answer
