"""Messages between a parent and its child: a JSON head and raw bytes. No pickle, so that neither end can run code."""

from __future__ import annotations

import json
import os
import struct
import sys
from collections.abc import Mapping
from typing import IO, Any

Head = dict[str, Any]  # JSON from the other end, which may be hostile: who reads it looks at each value

LENGTHS = struct.Struct("<QQ")
MAX_HEAD_BYTES = 16 * 2**20


def send(pipe: IO[bytes], head: Mapping[str, object], body: bytes = b"") -> None:
    text = json.dumps(head).encode()
    pipe.write(LENGTHS.pack(len(text), len(body)) + text)
    pipe.write(body)
    pipe.flush()


def receive(pipe: IO[bytes], *, most: int) -> tuple[Head, bytes]:
    """The other end's message, its body of at most so many bytes.

    Raises EOFError when that end is gone, ValueError for nonsense.
    """
    head, body = LENGTHS.unpack(_exactly(pipe, LENGTHS.size))
    if head > MAX_HEAD_BYTES or body > most:
        raise ValueError("a message longer than is allowed")
    message = json.loads(_exactly(pipe, head))
    if not isinstance(message, dict):
        raise TypeError("a message whose head is no object")
    return message, _exactly(pipe, body)


def only_answers() -> IO[bytes]:
    """A child's way to its parent under another number; what else it prints goes nowhere.

    A library's word must not end up between two answers, nor what it quotes of a file, a name perhaps, in a log.
    """
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
    return answers


def _exactly(pipe: IO[bytes], count: int) -> bytes:
    data = pipe.read(count)
    if len(data) != count:
        raise EOFError
    return data
