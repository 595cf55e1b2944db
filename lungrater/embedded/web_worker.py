"""gunicorn's threads, of which no client can hold one for ever: not by sending its request a byte at a time, nor by
taking the answer so; and of which one at a time works on an answer.

What raters save has threads of its own and goes before everything else."""

from __future__ import annotations

import errno
import re
import select
import selectors
import socket
import struct
import sys
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from lungrater.deadlines.limits import (
    ANSWER_BYTES_PER_SECOND,
    REQUEST_BYTES_PER_SECOND,
    request_seconds,
)
from lungrater.embedded.turns import Turns

TOO_SLOW = "A request came too slowly"
TAKEN_TOO_SLOWLY = "An answer was taken too slowly"
PIECE = 2**16
LOOK_EVERY = 0.5  # seconds
# Who reads slowly, such as a proxy for its own client, acknowledges in steps: Linux takes no more into a full buffer until
# a 16th of it is free, and makes it 6 MB at most unless it is set otherwise.
ACKNOWLEDGED_AT_ONCE = 6 * 2**20 // 16
TURNS = Turns()
# For what raters save, whose threads mostly wait for the database to have it on the disk.
SAVING_THREADS = 4
SAVE, END_OF_HEAD = b"POST /reading/", b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d{1,5})\r\n", re.IGNORECASE)
LONGEST_SAVE = 2**15  # bytes
# So long a client may take to close a connection that has ended here; until then it may still miss a part of its answer.
CLOSES_WITHIN = 2.0  # seconds


def is_save(request: bytes) -> bool:
    """Whether this begins with a rater's answer to be saved, come whole: then nobody keeps the threads for it waiting."""
    head, end, body = request.partition(END_OF_HEAD)
    length = LENGTH.search(head + end) if end and head.startswith(SAVE) else None
    return length is not None and len(body) >= int(length[1])


class BoundedLine(socket.socket):
    """A client's connection: a request has so long to come, and longer as it comes, if no slower than a minimum rate;
    and so long has its answer to go.

    A client that keeps to the rate is not cut off, however large its body; what it has sent faster gives it no more
    than the same time again to fall silent, what it has taken faster no more than until its next acknowledgement.
    Only waiting for the client counts, not what is done with its bytes. That has its turn, from where a thread takes
    the request up to the answer's first bytes, but while the client is waited for.
    """

    patience: float
    left: float
    received: int
    ran_out = False
    left_to_send: float
    sent: int
    acknowledged: int
    sent_too_slowly = False
    has_turn = False
    brings_save = False

    @classmethod
    def over(cls, line: socket.socket) -> BoundedLine:
        return cls(line.family, line.type, line.proto, fileno=line.detach())

    def expect_request(self) -> None:
        self.patience = self.left = request_seconds()
        self.received, self.ran_out = 0, False
        self.left_to_send = self.patience
        self.sent, self.acknowledged, self.sent_too_slowly = 0, 0, False

    def come(self) -> bytes | None:
        """The first bytes that have come and wait to be read: none once the client has closed, None while it is silent."""
        try:
            return super().recv(LONGEST_SAVE, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def is_closed_by_client(self) -> bool:
        """What it has sent instead is let go."""
        try:
            return not super().recv(PIECE, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Raises TimeoutError once the request is too slow."""
        if self.ran_out or self.left <= 0:
            self.ran_out = True
            raise TimeoutError(errno.EPIPE, TOO_SLOW)  # of which gunicorn makes no traceback
        try:
            received = super().recv(size, flags | socket.MSG_DONTWAIT)
        except BlockingIOError:
            received = self._wait_for_request(size, flags)
        self.received += len(received)
        self.left = min(self.left + len(received) / REQUEST_BYTES_PER_SECOND, self.patience)
        return received

    def _wait_for_request(self, size: int, flags: int) -> bytes:
        had_turn = self.has_turn
        self.give_turn_back()
        others, began_at = self.gettimeout(), time.monotonic()
        try:
            self.settimeout(self.left if others is None else min(self.left, others))
            received = super().recv(size, flags)
        except TimeoutError:
            self.ran_out = True
            raise TimeoutError(errno.EPIPE, TOO_SLOW) from None
        finally:
            self.settimeout(others)
            self.left -= time.monotonic() - began_at
        if had_turn:
            self.take_turn()
        return received

    def take_turn(self) -> None:
        self.has_turn = TURNS.take(is_save=self.brings_save)

    def give_turn_back(self) -> None:
        if self.has_turn:
            self.has_turn = False
            TURNS.give_back()

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Raises TimeoutError once the client takes the answer too slowly."""
        self.give_turn_back()
        rest = memoryview(data).cast("B")
        while rest:
            try:
                number = super().send(rest, flags | socket.MSG_DONTWAIT)
            except BlockingIOError:
                self._wait_for_client()
            else:
                self.sent += number
                rest = rest[number:]

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """As of any socket; the system's own way to send a file would wait for its client without an end."""
        file.seek(offset)
        total = 0
        while piece := file.read(PIECE if count is None else min(PIECE, count - total)):
            self.sendall(piece)
            total += len(piece)
        return total

    def _wait_for_client(self) -> None:
        """Until more may be sent: that takes minutes where a slow client has filled the kernel's buffer, so it is what
        the client has acknowledged meanwhile that counts."""
        room = select.poll()
        room.register(self, select.POLLOUT)
        may_send = False
        while not may_send:
            began_at = time.monotonic()
            may_send = bool(room.poll(1000 * min(LOOK_EVERY, self.patience)))
            before, self.acknowledged = self.acknowledged, self.sent - self._unacknowledged()
            earned = (self.acknowledged - before) / ANSWER_BYTES_PER_SECOND
            waited = time.monotonic() - began_at
            most = self.patience + ACKNOWLEDGED_AT_ONCE / ANSWER_BYTES_PER_SECOND
            self.left_to_send = min(self.left_to_send - waited + earned, most)
            if self.left_to_send <= 0:
                self.sent_too_slowly = True
                raise TimeoutError(errno.EPIPE, TAKEN_TOO_SLOWLY)

    def _unacknowledged(self) -> int:
        """Bytes that the kernel still holds for the client; where it does not tell, none."""
        if sys.platform != "linux":
            return 0
        from fcntl import ioctl
        from termios import TIOCOUTQ

        return int(struct.unpack("i", ioctl(self.fileno(), TIOCOUTQ, b"\0\0\0\0"))[0])


class BoundedWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    def init_process(self) -> None:
        self.savers = ThreadPoolExecutor(SAVING_THREADS)
        self.ending: deque[TConn] = deque()
        super().init_process()

    def enqueue_req(self, conn: TConn) -> None:
        """A connection is one of these before a thread or the selector knows it. No thread waits for a request to begin:
        browsers make connections that they may never need."""
        if type(conn.sock) is socket.socket:  # with TLS of gunicorn's own it is another kind by now
            conn.sock = BoundedLine.over(conn.sock)
        threads = self.tpool
        if isinstance(conn.sock, BoundedLine):
            read_ahead = conn.parser.unreader.buf.getvalue() if conn.parser else b""
            come = conn.sock.come()
            if not read_ahead and not come:
                self.wait_for_request(conn) if come is None else self.end(conn)
                return
            conn.data_ready = True
            conn.sock.brings_save = is_save(read_ahead + (come or b""))
            threads = self.savers if conn.sock.brings_save else self.tpool
        answered: Future[Any] = threads.submit(self.handle, conn)
        answered.add_done_callback(partial(self.method_queue.defer, self.finish_request, conn))

    def wait_for_request(self, conn: TConn) -> None:
        """As between two requests; where no more may wait, the one that has waited longest makes room."""
        if self.keepalived_conns and len(self.keepalived_conns) >= self.max_keepalived:
            self.end(self.keepalived_conns.popleft())
        conn.sock.setblocking(False)
        conn.set_timeout()
        self.keepalived_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_client_socket_readable, conn))

    def finish_request(self, conn: TConn, answered: Future[Any]) -> None:
        """gunicorn would wait here for a client to close its end, and take no other connection meanwhile."""
        goes_on = not answered.cancelled() and not answered.exception() and answered.result()
        if goes_on or not isinstance(conn.sock, BoundedLine):
            super().finish_request(conn, answered)
            return
        conn.timeout = time.monotonic() + CLOSES_WITHIN
        self.ending.append(conn)
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_ending_readable, conn))
        except (OSError, ValueError):
            self.end(conn)

    def on_ending_readable(self, conn: TConn, line: BoundedLine) -> None:
        if line.is_closed_by_client():
            self.end(conn)

    def end(self, conn: TConn) -> None:
        with suppress(ValueError):
            self.ending.remove(conn)
        with suppress(KeyError, ValueError):
            self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()

    def murder_pending(self) -> None:
        super().murder_pending()
        while self.ending and self.ending[0].timeout <= time.monotonic():
            self.end(self.ending[0])

    def handle(self, conn: TConn) -> Any:
        """Answer a request; one that came too slowly ends its connection, as where the next begins is unknown."""
        line = conn.sock
        if not isinstance(line, BoundedLine):
            return super().handle(conn)
        line.expect_request()
        line.take_turn()
        try:
            goes_on = super().handle(conn)
        finally:
            line.give_turn_back()
        if line.ran_out:
            self.log.warning("%s; %d bytes of it came in time.", TOO_SLOW, line.received)
            return False
        if line.sent_too_slowly:
            self.log.warning("%s; %d bytes of it went in time.", TAKEN_TOO_SLOWLY, line.acknowledged)
            return False
        return goes_on
