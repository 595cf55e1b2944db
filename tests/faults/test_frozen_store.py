"""A store of files that is frozen: it takes every connection and answers none."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from lungrater.deadlines.limits import S3_DEADLINES
from tests.faults.conftest import Room
from tests.faults.processes import lives, web_server
from tests.servers.reading_site import answer, image_status

TRIES = S3_DEADLINES["retries"]["total_max_attempts"]
ANSWERS_WITHIN = TRIES * (S3_DEADLINES["connect_timeout"] + S3_DEADLINES["read_timeout"]) + 15.0
SAVES_WITHIN = 5.0


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that is listened at, and nothing more."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield listener.getsockname()[1]


def test_an_image_is_given_up_in_time_and_answers_are_taken_meanwhile(room: Room, silent: int) -> None:
    path = room.next_path()
    store = {"STORAGE_URL": f"s3://images?endpoint=http://127.0.0.1:{silent}", "AWS_ACCESS_KEY_ID": "a"}

    with web_server(room.site.home, **store, AWS_SECRET_ACCESS_KEY="b") as (port, _pid):
        began = time.monotonic()
        saved = answer(port, room.reader, path)
        save_seconds = time.monotonic() - began
        began = time.monotonic()
        image = image_status(port, room.reader, path)
        image_seconds = time.monotonic() - began
        is_alive = lives(port)

    assert (saved, image) == (200, 503)
    assert save_seconds < SAVES_WITHIN
    assert image_seconds < ANSWERS_WITHIN
    assert is_alive


def test_where_the_files_lie_the_same_image_is_shown(room: Room) -> None:
    """The control: by the site's own server, the same address at the same time."""
    assert image_status(room.site.port, room.reader, room.paths[0]) == 200
