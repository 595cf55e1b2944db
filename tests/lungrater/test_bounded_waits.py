"""Every connection that this site makes ends, whatever the other side does."""

from __future__ import annotations

import ast
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from django.core.mail import send_mail
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, connections
from django.utils.module_loading import import_string

from lungrater import settings
from lungrater.deadlines import file_storage, limits, mail
from lungrater.deadlines.file_storage import StorageSilentError
from lungrater.deadlines.limits import S3_DEADLINES
from lungrater.deadlines.mail import MailSilentError
from lungrater.embedded import web_worker
from lungrater.embedded.urls import database_url
from lungrater.embedded.web_worker import BoundedLine
from outbound.waiting import within

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
# Django's own opens a database by the settings, whose deadlines a test below looks up on the connection itself.
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


# --- Servers that take a connection and then nothing, or a byte now and then --------------------------------


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
        asked = line.recv(65536)
        line.sendall(head)
        for _ in range(0 if asked.startswith(b"HEAD") else 300):
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
        asked(code, EMAIL_URL="smtp+tls://u:p@mail.example:587") == "lungrater.deadlines.mail.TimedSMTP 10.0"
    )


# --- The database ---------------------------------------------------------------------------------------------


def asked(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "lungrater.settings"}
        | environment,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


SHOW = """
from django.db import connection
def show(name):
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        return cursor.fetchone()[0]
print(show("statement_timeout"), show("idle_in_transaction_session_timeout"))
"""
AS_WEB = f"import lungrater.wsgi{SHOW}"
AS_COMMAND = f"import django; django.setup(){SHOW}"


def test_the_database_ends_what_takes_a_page_too_long(servers: None) -> None:
    assert asked(AS_WEB) == "30s 2min"
    assert asked(AS_WEB, WEB_STATEMENT_SECONDS="2.5", WEB_IDLE_IN_TRANSACTION_SECONDS="9") == "2500ms 9s"


def test_jobs_and_commands_may_take_as_long_as_they_need(servers: None) -> None:
    assert asked(AS_COMMAND) == "0 0"


def test_a_pooled_database_is_sent_no_option_it_would_refuse(servers: None) -> None:
    told = asked(
        f"{AS_WEB}print(connection.settings_dict['DISABLE_SERVER_SIDE_CURSORS'], "
        "connection.settings_dict['OPTIONS'].get('options'))",
        DATABASE_POOLED="1",
    )

    assert told.splitlines() == ["0 0", "True None"]


def test_options_of_the_address_stand_beside_ours(servers: None) -> None:
    address = f"{database_url()}&options=-c%20lock_timeout%3D7s"

    assert asked(f"{AS_WEB}print(show('lock_timeout'))", DATABASE_URL=address).splitlines() == [
        "30s 2min",
        "7s",
    ]


@pytest.mark.django_db
def test_a_connection_that_django_makes_apart_has_the_deadlines_of_the_settings() -> None:
    apart = connections.create_connection(DEFAULT_DB_ALIAS)
    apart.ensure_connection()
    parameters = apart.connection.info.get_parameters()
    apart.close()

    assert parameters["connect_timeout"] == str(limits.DATABASE_CONNECT_SECONDS)
    assert parameters["tcp_user_timeout"] == str(1000 * limits.DATABASE_SILENT_SECONDS)


@pytest.mark.django_db(transaction=True)
def test_a_frozen_database_is_given_up_and_the_next_question_is_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "ANSWER_WITHIN", 0.5)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [backend] = cursor.fetchone()
    os.kill(backend, signal.SIGSTOP)
    try:
        began = time.monotonic()
        with (
            pytest.raises(OperationalError, match=r"did not answer within 0\.5 s"),
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT 1")
        waited = time.monotonic() - began
    finally:
        os.kill(backend, signal.SIGCONT)
    connection.close_if_unusable_or_obsolete()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 2")

        assert cursor.fetchone() == (2,)
    assert waited < 5
    connection.close()


def small_buffers() -> tuple[BoundedLine, socket.socket]:
    ours, clients = socket.socketpair()
    for end in (ours, clients):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return BoundedLine.over(ours), clients


@pytest.mark.parametrize("pause", [0.05, 30.0], ids=["trickling", "silent"])
def test_a_client_that_hardly_takes_its_answer_is_given_up(
    monkeypatch: pytest.MonkeyPatch, pause: float
) -> None:
    monkeypatch.setenv("WEB_REQUEST_SECONDS", "0.5")
    line, clients = small_buffers()
    over = threading.Event()

    def trickle() -> None:
        while not over.wait(pause):
            clients.recv(1)

    with line, clients:
        line.expect_request()
        reader = threading.Thread(target=trickle, daemon=True)
        reader.start()
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            line.sendall(bytes(2**20))
        over.set()
        reader.join(1)

    assert line.sent_too_slowly
    assert time.monotonic() - began < 10


def test_an_answer_and_a_file_taken_slowly_arrive_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """For longer than a client may be silent."""
    monkeypatch.setenv("WEB_REQUEST_SECONDS", "0.3")
    words = os.urandom(40_000)
    (tmp_path / "export.csv").write_bytes(words)
    line, clients = small_buffers()
    received = bytearray()

    def read_slowly() -> None:
        while len(received) < 2 * len(words) - 100:
            received.extend(clients.recv(2000))
            threading.Event().wait(0.02)

    with line, clients:
        line.expect_request()
        reader = threading.Thread(target=read_slowly, daemon=True)
        reader.start()
        began = time.monotonic()
        line.sendall(words)
        with (tmp_path / "export.csv").open("rb") as file:
            number = line.sendfile(file, offset=100, count=len(words) - 100)
        took = time.monotonic() - began
        reader.join(10)

    assert (bytes(received), number) == (words + words[100:], len(words) - 100)
    assert took > 0.3


def test_an_answer_that_is_taken_in_steps_at_the_rate_arrives_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a proxy takes it for a slow client: nothing for longer than a client may be silent, then much at once."""
    monkeypatch.setenv("WEB_REQUEST_SECONDS", "0.2")
    line, clients = small_buffers()
    received = bytearray()

    def read_in_steps() -> None:
        while len(received) < 40_000:
            received.extend(clients.recv(20_000, socket.MSG_WAITALL))
            threading.Event().wait(1)

    with line, clients:
        line.expect_request()
        reader = threading.Thread(target=read_in_steps, daemon=True)
        reader.start()
        line.sendall(bytes(40_000))
        reader.join(10)

    assert bytes(received) == bytes(40_000)


def test_what_the_site_does_with_a_body_is_no_slowness_of_its_client(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, clients = socket.socketpair()
    with BoundedLine.over(ours) as line, clients:
        line.expect_request()
        clients.sendall(b"ab")
        first = line.recv(1)
        an_hour_later = time.monotonic() + 3600
        monkeypatch.setattr(web_worker, "time", SimpleNamespace(monotonic=lambda: an_hour_later))

        second = line.recv(1)

    assert (first, second) == (b"a", b"b")
