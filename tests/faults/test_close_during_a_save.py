"""A study closes while an answer is on its way: it is in before, or it is refused and nothing of it is stored."""

from __future__ import annotations

from tests.faults.conftest import Room
from tests.faults.processes import Save, held_study, wait_until_a_save_waits

CLOSE = "UPDATE rating_study SET state = 'closed', closed_at = now() WHERE name = 'Drill'"
OPEN = "UPDATE rating_study SET state = 'open', closed_at = NULL WHERE name = 'Drill'"


def test_what_is_not_closed_in_the_end_takes_the_answer_that_waited(room: Room) -> None:
    """The control: the same wait, and then no close."""
    path = room.next_path()
    with held_study(room.database) as closing:
        save = Save(room.site.port, room.reader, path)
        wait_until_a_save_waits(room.database)
        closing.execute(CLOSE)
        closing.rollback()
        status = save.result(10)

    assert status == 200
    assert room.ratings_of(path) == 1


def test_an_answer_that_waited_for_the_close_is_refused_and_not_stored(room: Room) -> None:
    path = room.next_path()
    with held_study(room.database) as closing:
        save = Save(room.site.port, room.reader, path)
        wait_until_a_save_waits(room.database)
        closing.execute(CLOSE)
        closing.commit()
        status = save.result(10)
        # No study goes back: only past its triggers can the next test read on.
        closing.execute("SET session_replication_role = replica")
        closing.execute(OPEN)
        closing.commit()

    room.paths.insert(0, path)  # the next test answers it
    assert status == 410
    assert room.ratings_of(path) == 0
