"""The web server is told to end, as a deploy does, while an answer is on its way."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.faults.conftest import Room
from tests.faults.processes import Save, held_study, wait_until_a_save_waits, web_server
from tests.servers.reading_site import answer

GRACE = 3.0  # gunicorn's graceful timeout


def test_an_answer_under_way_is_stored_and_acknowledged_before_the_server_ends(room: Room) -> None:
    path = room.next_path()
    with web_server(room.site.home) as (port, pid):
        with held_study(room.database):
            save = Save(port, room.reader, path)
            wait_until_a_save_waits(room.database)
            os.kill(pid, signal.SIGTERM)
            assert save.result(GRACE / 3) is None, "it is on its way still"
        status = save.result(10)

    assert status == 200
    assert room.ratings_of(path) == 1


def test_an_answer_cut_off_by_force_is_not_acknowledged_and_the_same_is_taken_again(room: Room) -> None:
    """The control: without time to end, the same answer is cut off; nothing half is left of it."""
    path = room.next_path()
    with web_server(room.site.home) as (port, pid), held_study(room.database):
        save = Save(port, room.reader, path)
        wait_until_a_save_waits(room.database)
        children = [int(word) for word in _children(pid)]
        for child in (pid, *children):
            os.kill(child, signal.SIGKILL)
        status = save.result(10)
    again = answer(room.site.port, room.reader, path)

    assert status == 0
    assert again == 200
    assert room.ratings_of(path) == 1


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
