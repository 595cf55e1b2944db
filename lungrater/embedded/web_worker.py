"""gunicorn's threads, of which no client can hold one for ever by sending its request a byte at a time."""

from __future__ import annotations

import errno
import socket
import time
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from lungrater.deadlines.limits import REQUEST_BYTES_PER_SECOND, request_seconds

TOO_SLOW = "A request came too slowly"


class BoundedLine(socket.socket):
    """A client's connection: a request has so long to come, and longer as it comes, if no slower than a minimum rate.

    A client that keeps to the rate is never cut off, however large its body; what it has sent faster gives it no more
    than the same time again to fall silent. Only waiting for the client counts, not what is done with its bytes.
    """

    patience: float
    left: float
    received: int
    ran_out = False

    @classmethod
    def over(cls, line: socket.socket) -> BoundedLine:
        return cls(line.family, line.type, line.proto, fileno=line.detach())

    def expect_request(self) -> None:
        self.patience = self.left = request_seconds()
        self.received, self.ran_out = 0, False

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Raises TimeoutError once the request is too slow."""
        others, began_at = self.gettimeout(), time.monotonic()
        try:
            if self.ran_out or self.left <= 0:
                raise TimeoutError
            self.settimeout(self.left if others is None else min(self.left, others))
            received = super().recv(size, flags)
        except TimeoutError:
            self.ran_out = True
            raise TimeoutError(errno.EPIPE, TOO_SLOW) from None  # of which gunicorn makes no traceback
        finally:
            self.settimeout(others)
        self.received += len(received)
        waited = time.monotonic() - began_at
        self.left = min(self.left - waited + len(received) / REQUEST_BYTES_PER_SECOND, self.patience)
        return received


class BoundedWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    def enqueue_req(self, conn: TConn) -> None:
        """A connection is one of these before a thread or the selector knows it."""
        if type(conn.sock) is socket.socket:  # with TLS of gunicorn's own it is another kind by now
            conn.sock = BoundedLine.over(conn.sock)
        super().enqueue_req(conn)

    def handle(self, conn: TConn) -> Any:
        """Answer a request; one that came too slowly ends its connection, as where the next begins is unknown."""
        line = conn.sock
        if not isinstance(line, BoundedLine):
            return super().handle(conn)
        line.expect_request()
        goes_on = super().handle(conn)
        if line.ran_out:
            self.log.warning("%s; %d bytes of it came in time.", TOO_SLOW, line.received)
            return False
        return goes_on
