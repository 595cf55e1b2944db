"""Every connection that this site makes ends, whatever the other side does."""

from __future__ import annotations

import ast
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from django.core.mail import send_mail
from django.utils.module_loading import import_string

from lungrater import settings
from lungrater.deadlines import file_storage, mail
from lungrater.deadlines.file_storage import StorageSilentError
from lungrater.deadlines.limits import S3_DEADLINES
from lungrater.deadlines.mail import MailSilentError
from outbound.waiting import within
from tests.lungrater.own_process import output_of

REPOSITORY = Path(__file__).resolve().parents[2]
ROOMS = ("accounts", "audit", "generation", "jobs", "lungrater", "outbound", "pool", "rating")
# What makes a connection, and the words of which each call must say at least one.
CLIENTS: dict[str, set[str]] = {
    "OpenAI": {"timeout"},
    "httpx2.Client": {"timeout"},
    "httpx2.get": {"timeout"},
    "httpx2.post": {"timeout"},
    "httpx2.stream": {"timeout"},
    "HTTPConnection": {"timeout"},
    "HTTPSConnection": {"timeout"},
    "urlopen": {"timeout"},
    "create_connection": {"timeout"},
    "psycopg.connect": {"connect_timeout"},
    "Redis.from_url": {"socket_timeout"},
    "redis.Redis": {"socket_timeout"},
    "SMTP": {"timeout"},
    "boto3.client": {"config"},
    "boto3.resource": {"config"},
    "DICOMwebClient": {"session"},
}
# Django's own opens a database by the settings, whose deadlines test_database_deadlines.py looks up on the connection itself.
DATABASE = "connections.create_connection"
# These wait for the broker: only the sender of messages does, off everybody's path.
SENDING = {"apply_async", "delay", "send_task"}
SENDERS = {"jobs/enqueue.py", "jobs/sender.py"}


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))


def is_of_django(path: Path) -> bool:
    """Whether `connections` is Django's in this file."""
    return any(
        node.module == "django.db" and any(alias.name == "connections" for alias in node.names)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
    )


def unbounded(path: Path) -> Iterator[str]:
    for call in calls(path):
        name = ast.unparse(call.func)
        if name == DATABASE and is_of_django(path):
            continue
        for client, words in CLIENTS.items():
            is_it = name == client or name.endswith(f".{client}")
            if is_it and not words & {keyword.arg for keyword in call.keywords}:
                yield f"line {call.lineno}: {name} without {' or '.join(words)}"


def sources() -> list[Path]:
    return sorted(path for room in ROOMS for path in (REPOSITORY / room).rglob("*.py"))


def test_no_client_is_made_without_a_deadline() -> None:
    faults = {str(path.relative_to(REPOSITORY)): list(unbounded(path)) for path in sources()}

    assert {path: lines for path, lines in faults.items() if lines} == {}


def test_the_search_for_clients_without_a_deadline_sees_them(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import httpx2\nhttpx2.Client()\nhttpx2.Client(timeout=1)\nurlopen('x')\n")

    assert list(unbounded(tmp_path / "a.py")) == [
        "line 2: httpx2.Client without timeout",
        "line 4: urlopen without timeout",
    ]


def test_of_all_that_create_connections_only_djangos_own_needs_no_deadline(tmp_path: Path) -> None:
    (tmp_path / "ours.py").write_text(
        "from django.db import connections\nconnections.create_connection('default')\nutil.create_connection('x')\n"
    )
    (tmp_path / "theirs.py").write_text(
        "from urllib3.util import connections\nconnections.create_connection(1)\n"
    )

    assert list(unbounded(tmp_path / "ours.py")) == ["line 3: util.create_connection without timeout"]
    assert list(unbounded(tmp_path / "theirs.py")) == [
        "line 2: connections.create_connection without timeout"
    ]


def test_nobody_waits_for_the_broker_but_the_sender() -> None:
    senders = {
        f"{path.relative_to(REPOSITORY)} line {call.lineno}"
        for path in sources()
        if str(path.relative_to(REPOSITORY)) not in SENDERS
        for call in calls(path)
        if isinstance(call.func, ast.Attribute) and call.func.attr in SENDING
    }

    assert senders == set()


def test_the_broker_has_its_deadlines() -> None:
    options = settings.CELERY_BROKER_TRANSPORT_OPTIONS

    assert 0 < options["socket_connect_timeout"] <= 5
    assert 1 < options["socket_timeout"] <= 10  # kombu asks for the next bell for a second at a time


def test_a_wait_within_ends_and_gives_what_came() -> None:
    assert within(10, lambda: 42) == 42
    with pytest.raises(ZeroDivisionError):
        within(10, lambda: 1 // 0)
    with pytest.raises(TimeoutError):
        within(0.05, lambda: time.sleep(5))


@contextlib.contextmanager
def listening(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """The port of a server that does this with every visitor."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while not over.is_set():
                with contextlib.suppress(OSError):
                    line, _ = server.accept()
                    threading.Thread(target=talk, args=(line,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        over.set()


def silent(line: socket.socket) -> None:
    line.recv(1)
    threading.Event().wait(30)


def trickling(line: socket.socket) -> None:
    """A reply of one byte each tenth of a second; no single read ever waits long."""
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\nLast-Modified: Wed, 01 Jan 2025 00:00:00 GMT\r\n\r\n"
    )
    with contextlib.suppress(OSError):
        output_of = line.recv(65536)
        line.sendall(head)
        for _ in range(0 if output_of.startswith(b"HEAD") else 300):
            line.sendall(b"x")
            threading.Event().wait(0.1)


def s3_at(port: int, monkeypatch: pytest.MonkeyPatch) -> Storage:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setitem(S3_DEADLINES, "read_timeout", 0.3)
    monkeypatch.setattr(file_storage, "BEGINS_WITHIN", 0.6)
    monkeypatch.setattr(file_storage, "LEAST_BYTES_A_SECOND", 10_000_000)
    described: dict[str, Any] = settings.storage(f"s3://lungs?endpoint=http://127.0.0.1:{port}")
    storage: Storage = import_string(described["BACKEND"])(**described["OPTIONS"])
    return storage


@pytest.mark.parametrize(
    "ask",
    [
        lambda s3: s3.exists("a.png"),
        lambda s3: s3.open("a.png"),
        lambda s3: s3.delete("a.png"),
        lambda s3: s3.save("a.png", ContentFile(b"x")),
    ],
    ids=["exists", "open", "delete", "save"],
)
def test_a_silent_store_of_files_is_given_up(
    ask: Callable[[Storage], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(silent) as port:
        s3, began = s3_at(port, monkeypatch), time.monotonic()

        with pytest.raises(StorageSilentError, match="does not answer"):
            ask(s3)

    assert time.monotonic() - began < 10


def test_a_store_that_only_trickles_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(trickling) as port:
        s3, began = s3_at(port, monkeypatch), time.monotonic()

        with pytest.raises(StorageSilentError):
            s3.open("a.png")

    assert time.monotonic() - began < 10


def greeting_for_ever(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        for _ in range(300):
            line.sendall(b"2")
            threading.Event().wait(0.1)


@pytest.mark.django_db
@pytest.mark.parametrize("talk", [silent, greeting_for_ever])
def test_a_mail_server_that_does_not_come_to_an_end_is_given_up(
    talk: Callable[[socket.socket], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "SENT_WITHIN", 0.5)
    with listening(talk) as port:
        server = mail.TimedSMTP(host="127.0.0.1", port=port)
        began = time.monotonic()

        with pytest.raises(MailSilentError, match="no mail was sent"):
            send_mail("Subject", "Text", None, ["a@example.org"], connection=server)

    assert time.monotonic() - began < 10


def test_mail_by_smtp_has_an_end(tmp_path: Path) -> None:
    code = "from lungrater import settings as s; print(s.EMAIL_BACKEND, s.EMAIL_TIMEOUT)"

    assert (
        output_of(code, EMAIL_URL="smtp+tls://u:p@mail.example:587")
        == "lungrater.deadlines.mail.TimedSMTP 10.0"
    )
