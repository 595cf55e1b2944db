"""Messages sent off the caller's path: nobody who queues work waits for the broker."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest
from kombu.exceptions import OperationalError

from jobs import sender
from jobs.sender import MessageSender


@pytest.fixture
def broker() -> Iterator[threading.Event]:
    """A broker that answers once this event is set."""
    event = threading.Event()
    yield event
    event.set()


def test_whoever_enqueues_does_not_wait_for_the_broker(broker: threading.Event) -> None:
    messages = MessageSender()
    sent: list[int] = []
    began = time.monotonic()

    messages.put("slow", lambda: broker.wait(30))
    for number in range(100):
        messages.put("job", partial(sent.append, number))

    assert time.monotonic() - began < 1
    assert sent == []
    broker.set()
    assert messages.drain(10)
    assert sent == list(range(100))


def test_a_message_that_the_broker_did_not_take_gives_up_those_behind_it(broker: threading.Event) -> None:
    messages, sent = MessageSender(), []

    def silent() -> None:
        broker.wait(30)
        raise OperationalError("timed out")

    messages.put("first", silent)
    messages.put("second", lambda: sent.append("second"))
    broker.set()

    assert messages.drain(10)
    assert sent == []
    messages.put("third", lambda: sent.append("third"))
    assert messages.drain(10)
    assert sent == ["third"]


def test_a_message_with_a_fault_of_its_own_does_not_silence_the_others() -> None:
    messages, sent = MessageSender(), []

    messages.put("broken", lambda: 1 // 0)
    messages.put("next", lambda: sent.append("next"))

    assert messages.drain(10)
    assert sent == ["next"]


def test_messages_beyond_the_most_are_left_to_the_sweep(
    broker: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "MOST_WAITING", 2)
    messages, started = MessageSender(), threading.Event()
    sent: list[int] = []

    def slow() -> None:
        started.set()
        broker.wait(30)

    messages.put("slow", slow)
    assert started.wait(10)
    for number in range(5):
        messages.put("job", partial(sent.append, number))
    broker.set()

    assert messages.drain(10)
    assert sent == [0, 1]


def test_waiting_for_the_messages_has_an_end(broker: threading.Event) -> None:
    messages = MessageSender()
    messages.put("slow", lambda: broker.wait(30))

    assert not messages.drain(0.05)


def test_a_forked_process_sends_by_itself() -> None:
    sender.send_later("parent", lambda: None)
    assert sender.drain(10)

    child = os.fork()
    if not child:
        sent: list[str] = []
        sender.send_later("child", lambda: sent.append("child"))
        os._exit(0 if sender.drain(10) and sent == ["child"] else 1)

    assert os.waitpid(child, 0)[1] == 0
