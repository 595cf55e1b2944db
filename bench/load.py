"""Many raters at once against a real server: each in a closed loop fetches the next image, saves, thinks.

    python bench/load.py [--raters 32] [--images 960] [--seconds 60] [--think 0] [--ask-next] [--json]

As on the page of a rater, the answer to a save names the images to come, and what is next is asked once, at the start;
with `--ask-next` before each image, as of a system whose saves do not say it.

Starts its own database and web server on a home of its own, as `lungrater up` does, and ends them all. Server and
raters share this machine's processors. `web_ms` is processor time of the web processes for each item, `database_ms`
that of PostgreSQL, `rater_ms` that of all raters' own program; `cost` is what one request at a time takes of the web processes; memory is the web processes'
proportional share (PSS), all together.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import socket
import statistics
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.rating_page import home, phantom

DERIVATIVES = 24  # different ones, so that no reading is of one file
REQUESTS_EACH = 200
TICK = os.sysconf("SC_CLK_TCK")
SECONDS_TO_ANSWER = 120.0
MOST_AT_ONCE = 2**18
ANSWERED = (200, 201)
CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
CLOSES = re.compile(rb"\r\nconnection: *close\r\n", re.IGNORECASE)
SET_COOKIE = re.compile(rb"\r\nset-cookie: *([^=\r]+)=([^;\r]*)", re.IGNORECASE)


@dataclass
class Rater:
    """One browser that rates as fast as the server lets it, and what it measured."""

    host: str
    slug: str
    cookies: dict[str, str]
    asks_next: bool = False
    ahead: list[dict[str, Any]] = field(default_factory=list)
    times: dict[str, list[float]] = field(default_factory=lambda: {"next": [], "image": [], "save": []})
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.connection = Connection(self.host)

    def enter(self) -> None:
        """The reading page, once: it sets the cookie that saves must show again."""
        self.ask("GET", f"/reading/{self.slug}/", accept="text/html")

    def read(self, until: float, think: float = 0) -> None:
        """Images one after the other, with so many seconds of thought for each, from none to twice as many."""
        time.sleep(think * random.random())  # not all begin at once
        while time.monotonic() < until:
            try:
                if not self.one_item():
                    return
                time.sleep(max(0.0, min(2 * think * random.random(), until - time.monotonic())))
            except (OSError, ValueError) as error:
                self.errors.append(repr(error))
                self.connection.close()

    def one_item(self) -> bool:
        """What is next, where no save has told it, its image, the save; False once all is rated."""
        if self.asks_next or not self.ahead:
            self.ahead = json.loads(self.timed("next", "GET", self.next_path))["ahead"]
        if not self.ahead:
            return False
        token, ahead = self.ahead[0]["token"], self.ahead
        self.timed("image", "GET", f"/i/{token}")
        key = str(uuid.uuid4())
        answer = {"label": "fake", "remark": "", "client_key": key, "active_ms": "4000", "idle_ms": "0"}
        answer |= {"showing": ahead[min(1, len(ahead) - 1)]["token"], "after": str(ahead[-1]["position"])}
        saved = json.loads(self.timed("save", "POST", f"/reading/{self.slug}/rate/{token}/", answer))
        if saved.get("saved") != key:
            raise ValueError(f"not saved: {saved}")
        self.ahead = [*ahead[1:], *saved["ahead"]]
        return True

    @property
    def next_path(self) -> str:
        return f"/reading/{self.slug}/ahead/?session=1"

    def timed(self, what: str, method: str, path: str, form: dict[str, str] | None = None) -> bytes:
        with self.timing(what):
            return self.ask(method, path, form)

    @contextmanager
    def timing(self, what: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.times[what].append(1000 * (time.perf_counter() - began))

    def ask(
        self,
        method: str,
        path: str,
        form: dict[str, str] | None = None,
        *,
        json_text: str | None = None,
        accept: str = "application/json",
    ) -> bytes:
        sent = (urlencode(form or {}) if json_text is None else json_text).encode()
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}", f"Accept: {accept}"]
        lines.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        if form is not None or json_text is not None:
            kind = "x-www-form-urlencoded" if json_text is None else "json"
            lines += [f"Content-Type: application/{kind}", f"Content-Length: {len(sent)}"]
            lines.append(f"X-CSRFToken: {self.cookies.get('csrftoken', '')}")
        status, head, body = self.connection.exchange("\r\n".join([*lines, "\r\n"]).encode() + sent)
        for name, value in SET_COOKIE.findall(head):
            self.cookies[name.decode()] = value.decode()
        if status not in ANSWERED:
            raise ValueError(f"{status} at {path.rsplit('/', 2)[0]}")
        return body


class Connection:
    """A client that reads of an answer its status, its length and its cookies: raters share the server's processors."""

    def __init__(self, host: str) -> None:
        self.host, self.line = host, socket.socket()
        self.line.close()

    def exchange(self, request: bytes) -> tuple[int, bytes, bytes]:
        """Status, head and body of the answer; raises OSError or ValueError where there is none, or no end."""
        if self.line.fileno() < 0:
            name, _, port = self.host.rpartition(":")
            self.line = socket.create_connection((name, int(port)), timeout=SECONDS_TO_ANSWER)
            self.line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.line.sendall(request)
        received = bytearray()
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._more()
        head = bytes(received[: end + 2])
        length, closes = CONTENT_LENGTH.search(head), CLOSES.search(head)
        if length:
            missing = int(length[1]) - (len(received) - end - 4)
            while missing > 0:
                received += (part := self._more())
                missing -= len(part)
        elif closes:
            while part := self.line.recv(MOST_AT_ONCE):
                received += part
        else:
            raise ValueError("an answer without its length")
        if closes:
            self.close()
        return int(head[9:12]), head, bytes(received[end + 4 :])

    def _more(self) -> bytes:
        if not (part := self.line.recv(MOST_AT_ONCE)):
            raise ConnectionError("the line was cut")
        return part

    def close(self) -> None:
        self.line.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--raters", type=int, default=32)
    parser.add_argument("--images", type=int, default=960, help="in each rater's one sitting")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument(
        "--think", type=float, default=0, help="seconds of thought for each image, on average"
    )
    parser.add_argument("--ask-next", action="store_true", help="ask before each image which one it is")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    options = parser.parse_args()
    with home():
        measured = measure(options)
    print(json.dumps(measured, indent=None if options.json else 2))


def measure(options: argparse.Namespace) -> dict[str, Any]:
    slug, sessions = study(options.raters, options.images)
    with web() as (host, master):
        raters = [Rater(host, slug, {"sessionid": session}, options.ask_next) for session in sessions]
        raters[0].enter()
        cost = cost_of_requests(raters[0], master)
        for times in raters[0].times.values():
            times.clear()
        for rater in raters[1:]:
            rater.enter()
        driven = drive(raters, options.seconds, options.think, server=master, database=of_database())
    return {
        "raters": options.raters,
        "images": options.images,
        "think": options.think,
        "ask_next": options.ask_next,
        "cost": cost,
        **driven,
    }


def drive(
    raters: Sequence[Rater], seconds: float, think: float = 0, *, server: int, database: int
) -> dict[str, Any]:
    """What all raters measured, and what it took of the web server and PostgreSQL of these process numbers."""
    before, stored = processor_seconds(server), processor_seconds(database)
    ours, began = time.process_time(), time.monotonic()
    read(raters, seconds, think)
    wall, busy = time.monotonic() - began, processor_seconds(server) - before
    stored, ours = processor_seconds(database) - stored, time.process_time() - ours
    took = {what: [ms for r in raters for ms in r.times[what]] for what in ("next", "image", "save")}
    errors = [error for r in raters for error in r.errors]
    return {
        "seconds": round(wall, 1),
        "items_per_second": round(len(took["save"]) / wall, 1),
        **{f"{what}_ms": summary(milliseconds) for what, milliseconds in took.items()},
        "web_ms": round(1000 * busy / max(1, len(took["save"])), 2),
        "database_ms": round(1000 * stored / max(1, len(took["save"])), 2),
        "rater_ms": round(1000 * ours / max(1, len(took["save"])), 2),
        "web_memory_mib": pss_mib(server),
        "errors": len(errors),
        **({"first_errors": errors[:5]} if errors else {}),
    }


def read(raters: Sequence[Rater], seconds: float, think: float = 0) -> None:
    """All raters at once, each in a thread of its own, for so many seconds."""
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=rater.read, args=[until, think]) for rater in raters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def cost_of_requests(rater: Rater, master: int) -> dict[str, float]:
    """Milliseconds of the web processes' time for one request of each kind, nobody else being there."""
    ahead = json.loads(rater.ask("GET", rater.next_path))["ahead"]
    cost = {}
    for what, path in (
        ("next", rater.next_path),
        ("image", f"/i/{ahead[0]['token']}"),
        ("sign_in_page", "/accounts/login/"),
    ):
        before = processor_seconds(master)
        for _ in range(REQUESTS_EACH):
            rater.ask("GET", path)
        cost[what] = round(1000 * (processor_seconds(master) - before) / REQUESTS_EACH, 2)
    items = min(REQUESTS_EACH, len(ahead) and 40)
    before = processor_seconds(master)
    for _ in range(items):
        rater.one_item()
    item_ms = 1000 * (processor_seconds(master) - before) / items
    cost["save"] = round(item_ms - cost["image"] - (cost["next"] if rater.asks_next else 0), 2)
    return cost


def study(raters: int, images: int) -> tuple[str, list[str]]:
    """The slug of an open study of so many images, and each rater's session."""
    from django.conf import settings
    from django.db import connection
    from django.test import Client

    from accounts.models import User
    from tests.rating.long_study import long_study

    people = [User.objects.create_user(f"rater{number}@example.org") for number in range(raters)]
    reading = long_study("Load", raters=people, images=images, derivatives=derivatives(), canvas=512)
    sessions = []
    for person in people:
        client = Client()
        client.force_login(person, backend="accounts.sign_in.backend.SignInBackend")
        sessions.append(client.cookies[settings.SESSION_COOKIE_NAME].value)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    connection.close()
    return reading.slug, sessions


def derivatives() -> list[bytes]:
    """PNGs of 512 × 512 pixels in 8 bits, as raters get them."""
    import numpy as np

    from pool.canonical.pixels import blinded_derivative

    noise = np.random.default_rng(1)
    return [blinded_derivative(phantom(noise, 512, 8), side=512) for _ in range(DERIVATIVES)]


@contextmanager
def web(others: Sequence[str] = ()) -> Iterator[tuple[str, int]]:
    """The web server as `lungrater up` starts it, or another: its host and its master's number."""
    from bench.rating_page import web as started

    with started(others) as url:
        host = urlsplit(url).netloc
        yield host, listening(host)


def listening(host: str) -> int:
    """The process of the server: the only child of this one whose command line names the port."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes()
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if parent == os.getpid() and host.rpartition(":")[2].encode() in words:
            return int(folder.name)
    raise SystemExit("The web server is gone.")


def of_database() -> int:
    """The process that all others of the bench's own PostgreSQL descend from."""
    from lungrater.embedded.home import Home

    return int((Home.from_environment().postgres / "postmaster.pid").read_text().split()[0])


def processes(master: int) -> list[Path]:
    children = (Path(f"/proc/{master}/task/{master}/children")).read_text().split()
    return [Path("/proc") / pid for pid in (str(master), *children)]


def processor_seconds(master: int) -> float:
    """Of a server and its workers, those that ended with it, since they started."""
    ticks = 0
    for folder in processes(master):
        words = (folder / "stat").read_text().rpartition(")")[2].split()
        ticks += sum(map(int, words[11:13] if folder.name != str(master) else words[11:15]))
    return ticks / TICK


def pss_mib(master: int) -> list[int]:
    """The proportional share of memory of the server and each worker."""
    shares = []
    for folder in processes(master):
        lines = (folder / "smaps_rollup").read_text().splitlines()
        shares.append(next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) // 1024)
    return shares


def summary(times: list[float]) -> dict[str, float]:
    ordered = sorted(times) or [float("nan")]
    at = {name: ordered[int(share * (len(ordered) - 1))] for name, share in (("p95", 0.95), ("p99", 0.99))}
    return {"p50": round(statistics.median(ordered), 1), **{k: round(v, 1) for k, v in at.items()}}


if __name__ == "__main__":
    main()
