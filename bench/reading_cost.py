"""Processor time of one request of a rater's browser, through all middleware, in one process without a web server.

    python bench/reading_cost.py [--items 300] [--profile next|image|save]

`ms` is process time, which other work on the machine changes little; the database's own is not in it.
"""

from __future__ import annotations

import argparse
import cProfile
import io
import json
import pstats
import statistics
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.rating_page import home

WARM = 30


class Browser:
    """One rater's requests, handed to the site as a web server would hand them."""

    def __init__(self, application: Callable[..., Any], slug: str, session: str) -> None:
        self.application, self.slug = application, slug
        self.cookies = {"sessionid": session}
        self.times: dict[str, list[float]] = {"next": [], "image": [], "save": []}
        self.profiles = {name: cProfile.Profile() for name in self.times}
        self.profiled = ""

    def item(self) -> None:
        ahead = json.loads(self.timed("next", "GET", f"/reading/{self.slug}/ahead/", "session=1"))["ahead"]
        token = ahead[0]["token"]
        self.timed("image", "GET", f"/i/{token}")
        answer = {"label": "fake", "remark": "", "client_key": str(uuid.uuid4()), "active_ms": "4000"}
        answer |= {"idle_ms": "0", "showing": ahead[min(1, len(ahead) - 1)]["token"]}
        answer["after"] = str(ahead[-1]["position"])
        saved = json.loads(self.timed("save", "POST", f"/reading/{self.slug}/rate/{token}/", form=answer))
        if saved.get("saved") != answer["client_key"]:
            raise SystemExit(f"Not saved: {saved}")

    def timed(self, what: str, *words: str, form: dict[str, str] | None = None) -> bytes:
        profile = self.profiles[what] if what == self.profiled else None
        began = time.process_time()
        if profile:
            profile.enable()
        body = self.ask(*words, form=form)
        if profile:
            profile.disable()
        self.times[what].append(1000 * (time.process_time() - began))
        return body

    def ask(
        self, method: str, path: str, query: str = "", *, form: dict[str, str] | None = None, accept: str = ""
    ) -> bytes:
        sent = urlencode(form or {}).encode()
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "localhost",
            "HTTP_ACCEPT": accept or "application/json",
            "HTTP_COOKIE": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "HTTP_X_CSRFTOKEN": self.cookies.get("csrftoken", ""),
            "CONTENT_TYPE": "application/x-www-form-urlencoded" if form else "",
            "CONTENT_LENGTH": str(len(sent)),
            "wsgi.input": io.BytesIO(sent),
            "wsgi.errors": sys.stderr,
            "wsgi.url_scheme": "http",
        }
        status: list[str] = []

        def start(line: str, headers: list[tuple[str, str]]) -> None:
            status.append(line)
            for name, value in headers:
                if name == "Set-Cookie":
                    key, _, rest = value.strip().partition("=")
                    self.cookies[key] = rest.partition(";")[0]

        answer = self.application(environ, start)
        body = b"".join(answer)
        answer.close()
        if not status[0].startswith("200"):
            raise SystemExit(f"{status[0]} at {path}")
        return body


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--items", type=int, default=300)
    parser.add_argument("--profile", default="", choices=["", "next", "image", "save"])
    options = parser.parse_args()
    with home():
        print(json.dumps(measure(options), indent=2))


def measure(options: argparse.Namespace) -> dict[str, Any]:
    from bench.load import study
    from lungrater.wsgi import application

    slug, sessions = study(1, WARM + options.items)
    browser = Browser(application, slug, sessions[0])
    browser.ask("GET", f"/reading/{slug}/", accept="text/html")
    for _ in range(WARM):
        browser.item()
    for times in browser.times.values():
        times.clear()
    browser.profiled = options.profile
    for _ in range(options.items):
        browser.item()
    if options.profile:
        stats = pstats.Stats(browser.profiles[options.profile])
        stats.sort_stats("cumulative").print_stats(110)
        stats.sort_stats("tottime").print_stats(25)
    means = {what: round(statistics.fmean(times), 2) for what, times in browser.times.items()}
    return {"ms": {**means, "item": round(sum(means.values()), 2)}}


if __name__ == "__main__":
    main()
