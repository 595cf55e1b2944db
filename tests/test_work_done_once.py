"""What is done once for all tests leaves nothing of one test to the next."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from django.db import connection

from accounts.models import User

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_a_closed_browser_still_sends_is_written_before_the_tables_are_emptied(live_server, monkeypatch):
    under_way, answered = threading.Event(), threading.Event()

    def slow_save(environ: Any, start_response: Any) -> list[bytes]:
        under_way.set()
        time.sleep(0.5)
        User.objects.create_user("late@example.org")
        connection.close()
        answered.set()
        start_response("204 No Content", [])
        return []

    monkeypatch.setattr(live_server.thread.httpd, "application", slow_save)
    address = urlsplit(live_server.url)
    with socket.create_connection((address.hostname, address.port), timeout=5) as browser:
        browser.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
        assert under_way.wait(5)

    call_command("flush", interactive=False, verbosity=0)

    assert answered.is_set()
    assert not User.objects.exists()
