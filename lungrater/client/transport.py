"""Requests that are tried again where that cannot do a thing twice: reads, and creates under a key of their own."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx2

from lungrater.client.problems import OtherSiteError, ProblemError
from outbound.retry import seconds_of

FileUpload = tuple[str, tuple[str, bytes]]  # a field of the form, and the file's name and content
JSONObject = dict[str, Any]  # as the site sent it

TRIES = 5
LONGEST_PAUSE = 60.0
PASSING = frozenset({429, 502, 503, 504})  # the site is busy or away for a moment
SECONDS = 60.0
MOST_PAGES = 100_000


class Transport:
    """One site and one token. `pause` waits between two tries."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        transport: httpx2.BaseTransport | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.pause = pause
        self.http = httpx2.Client(
            base_url=f"{url.rstrip('/')}/api/v1",
            headers={"Authorization": f"Bearer {token}"},
            timeout=SECONDS,
            transport=transport,
        )

    def get(self, path: str, **query: Any) -> httpx2.Response:
        return self._try_often("GET", path, params=self.query(**query))

    def create(self, path: str, **how: Any) -> Any:
        """The JSON of what was created: once, however often the request had to be sent."""
        return self._try_often("POST", path, headers={"Idempotency-Key": str(uuid.uuid4())}, **how).json()

    def act(self, path: str, body: Any = None, *, act_token: str = "", method: str = "POST") -> Any:
        """An act is sent once: whether it was done, the site says when it is asked. None where it says nothing more."""
        headers = {"Act-Token": act_token} if act_token else {}
        response = _checked(self.http.request(method, path, json=body or {}, headers=headers))
        return response.json() if response.content else None

    @staticmethod
    def query(**query: Any) -> JSONObject:
        """What is asked for in an address: what is None is left out."""
        return {name: value for name, value in query.items() if value is not None}

    def pages(self, path: str, **query: Any) -> Iterator[JSONObject]:
        """Every row of a list, page after page. Raises OtherSiteError where a page leads away from this site."""
        page = self.get(path, **query).json()
        for _number in range(MOST_PAGES):
            yield from page["results"]
            if not page["next"]:
                return
            page = self._try_often("GET", self._own(page["next"])).json()
        raise RuntimeError(f"The list did not end after {MOST_PAGES:,} pages.")

    def _own(self, address: str) -> httpx2.URL:
        """The address in full, if it is of this site: the token must go to no other."""
        url = self.http.base_url.join(address)
        if _origin(url) != _origin(self.http.base_url):
            raise OtherSiteError(
                f"The site leads to {url.scheme}://{url.netloc.decode()}, which gets no token."
            )
        return url

    def _try_often(self, method: str, path: str | httpx2.URL, **how: Any) -> httpx2.Response:
        for number in range(TRIES):
            wait = min(2.0**number, LONGEST_PAUSE)
            try:
                response = self.http.request(method, path, **how)
            except httpx2.TransportError:
                if number == TRIES - 1:
                    raise
            else:
                if response.status_code not in PASSING or number == TRIES - 1:
                    return _checked(response)
                wait = wait_of(response, default=wait)
            self.pause(wait)
        raise AssertionError("the last try returns or raises")


def wait_of(response: httpx2.Response, *, default: float) -> float:
    """The seconds that the site asks to wait, never more than a minute."""
    seconds = seconds_of(response.headers.get("Retry-After"))
    return min(default if seconds is None else seconds, LONGEST_PAUSE)


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _checked(response: httpx2.Response) -> httpx2.Response:
    if response.status_code >= 400:
        raise ProblemError.of(response)
    return response
