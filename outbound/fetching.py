"""An image or a zip from another server, without letting an address lead into a private network.

A redirect is looked at as the address itself was; outbound.transport keeps the bounds.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urljoin, urlsplit

import httpx2

from outbound.addresses import PrivateAddressError
from outbound.transport import Bounds, ReplyTooLargeError, public_client

MOST_BYTES = 4 * 2**30
MOST_REDIRECTS = 5
SECONDS_A_READ = 30.0
SECONDS_IN_ALL = 3600.0
REDIRECTS = {301, 302, 303, 307, 308}
ZIP_TYPES = {"application/zip", "application/x-zip-compressed"}
ZIP_BEGINS = b"PK\x03\x04"


class FetchError(ValueError):
    """An address from which nothing could be fetched; the message is one sentence."""


def fetch(
    url: str,
    target: Path,
    *,
    from_private_networks: bool = False,
    on_progress: Callable[[], None] = lambda: None,
) -> str:
    """Store what the address leads to in `target`; what to call it, ending in .zip for a zip.

    `on_progress` is called between pieces and may raise to stop. Raises FetchError with one sentence.
    """
    bounds = Bounds(SECONDS_IN_ALL, MOST_BYTES, read_seconds=SECONDS_A_READ)
    try:
        with public_client(bounds, allow_private=from_private_networks) as client:
            for _ in range(MOST_REDIRECTS + 1):
                check_address(url)
                with client.stream("GET", url, headers={"User-Agent": "LungRater"}) as answer:
                    if answer.status_code in REDIRECTS:
                        url = _onward(url, answer.headers.get("Location", ""))
                        continue
                    if answer.status_code != 200:
                        raise FetchError(
                            f"{_host(url)} answered {answer.status_code} {answer.reason_phrase}."
                        )
                    _store(answer, target, on_progress)
                    return _name(url, answer.headers.get("Content-Type", ""), target)
    except PrivateAddressError as error:
        raise FetchError(str(error)) from error
    except ReplyTooLargeError as error:
        raise FetchError(f"It is larger than {MOST_BYTES // 2**20} MB, or packed.") from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        what = (
            "took too long"
            if isinstance(error, httpx2.TimeoutException)
            else f"cannot be read from ({error})"
        )
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


def _onward(url: str, location: str) -> str:
    onward = urljoin(url, location)
    if not location or (urlsplit(url).scheme == "https" and urlsplit(onward).scheme != "https"):
        raise FetchError(f"{_host(url)} leads on to nowhere, or away from https.")
    return onward


def _store(answer: httpx2.Response, target: Path, on_progress: Callable[[], None]) -> None:
    declared = answer.headers.get("Content-Length", "")
    if declared.isdecimal() and int(declared) > MOST_BYTES:
        raise ReplyTooLargeError
    with target.open("wb") as file:
        for piece in answer.iter_raw():
            file.write(piece)
            on_progress()


def _name(url: str, content_type: str, target: Path) -> str:
    name = PurePosixPath(unquote(urlsplit(url).path)).name or "image"
    with target.open("rb") as file:
        zipped = file.read(4) == ZIP_BEGINS or content_type.split(";", maxsplit=1)[0].strip() in ZIP_TYPES
    return f"{name}.zip" if zipped and not name.lower().endswith(".zip") else name


def _host(url: str) -> str:
    return urlsplit(url).hostname or "The server"
