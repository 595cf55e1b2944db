"""A picture or a zip from another server, without letting an address lead into a private network.

Each host is resolved once, every address of it is looked at, and the connection goes to that very address, so
that a name which answers differently the second time gains nothing. A redirect is looked at in the same way.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urljoin, urlsplit

from django.conf import settings

MOST_BYTES = 4 * 2**30
MOST_REDIRECTS = 5
SECONDS_A_READ = 30.0
SECONDS_IN_ALL = 3600.0
CHUNK = 2**18
REDIRECTS = {301, 302, 303, 307, 308}
ZIP_TYPES = {"application/zip", "application/x-zip-compressed"}
ZIP_BEGINS = b"PK\x03\x04"


class FetchError(ValueError):
    """An address from which nothing could be fetched; the message is one sentence."""


def fetch(url: str, target: Path, *, on_progress: Callable[[], None] = lambda: None) -> str:
    """Store what the address leads to in `target`; what to call it, ending in .zip for a zip.

    `on_progress` is called between pieces and may raise to stop. Raises FetchError with one sentence.
    """
    began = time.monotonic()
    try:
        for _ in range(MOST_REDIRECTS + 1):
            connection, path = _connection(url)
            try:
                headers = {"User-Agent": "LungRater", "Accept-Encoding": "identity"}
                connection.request("GET", path, headers=headers)
                answer = connection.getresponse()
                if answer.status in REDIRECTS:
                    url = _onward(url, answer.getheader("Location", ""))
                    continue
                if answer.status != 200:
                    raise FetchError(f"{_host(url)} answered {answer.status} {answer.reason}.")
                _store(answer, target, began, on_progress)
                return _name(url, answer.getheader("Content-Type", ""), target)
            finally:
                connection.close()
    except (OSError, http.client.HTTPException) as error:
        what = "took too long" if isinstance(error, TimeoutError) else f"cannot be read from ({error})"
        raise FetchError(f"{_host(url)} {what}.") from error
    raise FetchError(f"The address leads on more than {MOST_REDIRECTS} times.")


def check_address(url: str) -> None:
    """Raises FetchError for what is no web address; whether it leads into a private network shows when fetching."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good:
        raise FetchError("The address begins with https:// or http:// and names a server.")
    if parts.username or parts.password:
        raise FetchError("The address holds a name or a password; leave them out.")


def without_query(url: str) -> str:
    """The address as people may see it: what follows the question mark is often a key."""
    return urlsplit(url)._replace(query="", fragment="").geturl()


def _connection(url: str) -> tuple[http.client.HTTPConnection, str]:
    check_address(url)
    parts = urlsplit(url)
    kind = _Https if parts.scheme == "https" else _Http
    path = parts._replace(scheme="", netloc="", path=parts.path or "/", fragment="").geturl()
    return kind(str(parts.hostname), parts.port, timeout=SECONDS_A_READ), path


class _Http(http.client.HTTPConnection):
    def connect(self) -> None:
        entries = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]) for entry in entries]
        if not settings.IMPORT_FROM_PRIVATE_NETWORKS and not all(map(_is_public, addresses)):
            raise FetchError(f"{self.host} lies in a private network, from which nothing is fetched.")
        self.sock = socket.create_connection((addresses[0], self.port), timeout=self.timeout)


class _Https(http.client.HTTPSConnection, _Http):
    """HTTPSConnection puts its TLS, with the host's name checked, on the socket that `_Http` connects."""

    def __init__(self, host: str, port: int | None, *, timeout: float) -> None:
        super().__init__(host, port, timeout=timeout, context=ssl.create_default_context())


NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in its last 32 bits


def _is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    inner = getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None) or ip
    if ip in NAT64:
        inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.is_global and inner.is_global and not inner.is_multicast


def _onward(url: str, location: str) -> str:
    onward = urljoin(url, location)
    if not location or (urlsplit(url).scheme == "https" and urlsplit(onward).scheme != "https"):
        raise FetchError(f"{_host(url)} leads on to nowhere, or away from https.")
    return onward


def _store(
    answer: http.client.HTTPResponse, target: Path, began: float, on_progress: Callable[[], None]
) -> None:
    too_large = FetchError(f"It is larger than {MOST_BYTES // 2**20} MB.")
    declared = answer.getheader("Content-Length", "")
    if declared.isdecimal() and int(declared) > MOST_BYTES:
        raise too_large
    size = 0
    with target.open("wb") as file:
        while chunk := answer.read(CHUNK):
            size += len(chunk)
            if size > MOST_BYTES:
                raise too_large
            if time.monotonic() - began > SECONDS_IN_ALL:
                raise TimeoutError
            file.write(chunk)
            on_progress()
    if declared.isdecimal() and size < int(declared):
        raise FetchError("The server stopped half-way; try again.")


def _name(url: str, content_type: str, target: Path) -> str:
    name = PurePosixPath(unquote(urlsplit(url).path)).name or "picture"
    with target.open("rb") as file:
        zipped = file.read(4) == ZIP_BEGINS or content_type.split(";", maxsplit=1)[0].strip() in ZIP_TYPES
    return f"{name}.zip" if zipped and not name.lower().endswith(".zip") else name


def _host(url: str) -> str:
    return urlsplit(url).hostname or "The server"
