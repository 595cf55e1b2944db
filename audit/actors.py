"""Who acts: a person who has signed in, a rater by pseudonym, a stranger, somebody at a command line, or the site by itself."""

from __future__ import annotations

import contextlib
import getpass
import socket
import uuid
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Actor:
    """`identity` is who that is in words, as of now; it can be redacted later, `uuid` stays."""

    kind: str
    uuid: uuid.UUID | None = None
    identity: str = ""


PERSON, RATER, STRANGER, COMMAND_LINE, SITE = "person", "rater", "stranger", "command line", "site"
_acting: ContextVar[Actor | None] = ContextVar("acting", default=None)


def actor_of(actor: Any) -> Actor:
    """This person as an actor; of None whoever runs this process.

    Nobody signs in at a command line: a person named there is written as somebody the system user acts for.
    """
    here = _acting.get()
    if actor is None:
        return here or Actor(SITE)
    if isinstance(actor, Actor):
        return actor
    if here is not None and here.kind == COMMAND_LINE:
        return at_the_command_line(actor)
    return Actor(PERSON, actor.uuid, actor.identity)


def stranger(address: str) -> Actor:
    """Somebody who has not signed in, by the address they typed."""
    return Actor(STRANGER, identity=address)


def rater(pseudonym: str) -> Actor:
    """A rater of a study, in whose chain nothing leads from the pseudonym to the person."""
    return Actor(RATER, identity=pseudonym)


def at_the_command_line(on_behalf_of: Any = None) -> Actor:
    """The system user of this process, and the person they say they act for; nobody has proved either's identity."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in some containers
        name = "an unnamed system user"
    identity = f"system user {name} on {socket.gethostname()}"
    if on_behalf_of is None:
        return Actor(COMMAND_LINE, identity=identity)
    return Actor(COMMAND_LINE, on_behalf_of.uuid, f"{identity}, for {on_behalf_of.identity}")


@contextlib.contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Inside this block, what nobody in particular does is this actor's."""
    token = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(token)
