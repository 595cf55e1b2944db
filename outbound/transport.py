"""HTTP whose every request ends: in seconds, in bytes, and at machines that may be talked to.

The bounds are kept where bytes come off the socket, below everything that waits for a whole line, header or body, so
that a server which sends one byte a second is given up as surely as one that sends nothing or too much.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore2
import httpx2

from outbound.addresses import addresses_of

PIECE = 2**16
HEAD_BYTES = 2**17
Socket = httpcore2.NetworkStream


class ReplyTooLargeError(Exception):
    """The reply is longer than it may be, or packed, which hides how long it is."""


@dataclass(frozen=True)
class Bounds:
    """What one request may take; `total_seconds` is from its start to the reply's last byte."""

    total_seconds: float
    most_bytes: int
    connect_seconds: float = 10.0
    read_seconds: float = 60.0

    @property
    def timeout(self) -> httpx2.Timeout:
        return httpx2.Timeout(self.read_seconds, connect=self.connect_seconds)


class _Clock(threading.local):
    """The request under way in this thread."""

    deadline: float | None = None
    bytes_left: float = float("inf")

    def start(self, bounds: Bounds) -> None:
        self.deadline = time.monotonic() + bounds.total_seconds
        self.bytes_left = bounds.most_bytes + HEAD_BYTES

    def seconds(self, most: float | None, over: type[Exception]) -> float | None:
        """How long one step may take."""
        if self.deadline is None:
            return most
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise over("The request took too long as a whole.")
        return left if most is None else min(left, most)

    def count(self, data: bytes) -> bytes:
        self.bytes_left -= len(data)
        if self.bytes_left < 0:
            raise ReplyTooLargeError("The reply is longer than it may be.")
        return data


class _BoundedStream(Socket):
    def __init__(self, stream: Socket, clock: _Clock) -> None:
        self._stream, self._clock = stream, clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        seconds = self._clock.seconds(timeout, httpcore2.ReadTimeout)
        return self._clock.count(self._stream.read(max_bytes, seconds))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), PIECE):
            seconds = self._clock.seconds(timeout, httpcore2.WriteTimeout)
            self._stream.write(buffer[start : start + PIECE], seconds)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> Socket:
        seconds = self._clock.seconds(timeout, httpcore2.ConnectTimeout)
        return _BoundedStream(self._stream.start_tls(ssl_context, server_hostname, seconds), self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _BoundedNetwork(httpcore2.SyncBackend):
    def __init__(self, clock: _Clock, *, allow_private: bool) -> None:
        self._clock, self._allow_private = clock, allow_private

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> Socket:
        address = self._address(host, port, timeout)
        seconds = self._clock.seconds(timeout, httpcore2.ConnectTimeout)
        stream = super().connect_tcp(address, port, seconds, local_address, socket_options)
        return _BoundedStream(stream, self._clock)

    def _address(self, host: str, port: int, timeout: float | None) -> str:
        seconds = self._clock.seconds(timeout, httpcore2.ConnectTimeout) or 0.0
        try:
            return addresses_of(host, port, seconds=seconds, allow_private=self._allow_private)[0]
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout(f"{host} could not be looked up in time.") from error
        except OSError as error:
            raise httpcore2.ConnectError(f"{host} could not be looked up.") from error


class BoundedTransport(httpx2.HTTPTransport):
    def __init__(self, bounds: Bounds, *, allow_private: bool, **options: Any) -> None:
        super().__init__(**options)
        self._bounds, self._clock = bounds, _Clock()
        # httpx2 has no argument for it; the pool makes its connections with this from the first one on.
        self._pool._network_backend = _BoundedNetwork(self._clock, allow_private=allow_private)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self._clock.start(self._bounds)
        request.headers["Accept-Encoding"] = "identity"
        response = super().handle_request(request)
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            response.close()
            raise ReplyTooLargeError("The reply is packed, though that was not asked for.")
        return response


def api_client(base_url: str, bounds: Bounds) -> httpx2.Client:
    """A client for a server that whoever runs this site has named: private addresses and proxies are theirs to choose.

    A redirect is never followed: it would carry the key on to another server. Each request has a line of its own: one that
    is kept may be closed by the server just as the next request leaves, and nobody could say whether that was billed.
    """
    parts = urlsplit(base_url)
    proxy = None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
    lines = httpx2.Limits(max_keepalive_connections=0)
    transport = BoundedTransport(bounds, allow_private=True, proxy=proxy, limits=lines)
    return httpx2.Client(transport=transport, timeout=bounds.timeout, follow_redirects=False)


def public_client(bounds: Bounds, *, allow_private: bool) -> httpx2.Client:
    """A client for addresses that people type: straight to public ones, a redirect is the caller's to look at."""
    transport = BoundedTransport(bounds, allow_private=allow_private)
    return httpx2.Client(transport=transport, timeout=bounds.timeout, follow_redirects=False)
