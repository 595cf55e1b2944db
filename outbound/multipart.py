"""The parts of a multipart/related answer (RFC 2046, 2387), whose bytes are binary and may hold anything but the boundary."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import Message

HEAD_END = b"\r\n\r\n"
HEAD_BYTES = 2**14
MOST_PARTS = 20  # nobody here wants more than one; nine bytes make one


class MalformedPartsError(ValueError):
    """What came is no whole multipart message; the message says in a few words why."""


@dataclass(frozen=True)
class BodyPart:
    """One part: the media type that it names, in small letters, and its bytes."""

    media_type: str
    content: bytes


def media_type_of(content_type: str) -> str:
    """The type without its parameters, in small letters."""
    return content_type.split(";", maxsplit=1)[0].strip().lower()


def body_parts(content_type: str, body: bytes) -> list[BodyPart]:
    """The parts in order. Raises MalformedPartsError where the boundary is not named or the last one is missing."""
    delimiter = b"\r\n--" + _boundary(content_type)
    body = b"\r\n" + body
    parts: list[BodyPart] = []
    start = body.find(delimiter)
    while start >= 0:
        start += len(delimiter)
        if body.startswith(b"--", start):
            return parts
        end = body.find(delimiter, start)
        if end < 0:
            break
        if len(parts) == MOST_PARTS:
            raise MalformedPartsError(f"it has more than {MOST_PARTS} parts")
        parts.append(_part(body, start, end))
        start = end
    raise MalformedPartsError("it breaks off in the middle")


def _boundary(content_type: str) -> bytes:
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_param("boundary")
    if not isinstance(boundary, str) or not 0 < len(boundary) <= 200 or not boundary.isascii():
        raise MalformedPartsError("it does not say what its parts are divided by")
    return boundary.encode("ascii")


def _part(body: bytes, start: int, end: int) -> BodyPart:
    """The part between two boundaries: header lines, an empty one, content."""
    line_end = body.find(b"\r\n", start, end)
    if line_end < 0 or body[start:line_end].strip(b" \t"):
        raise MalformedPartsError("a part has no head")
    head_end = body.find(HEAD_END, line_end, min(end, line_end + HEAD_BYTES))
    if head_end < 0:
        raise MalformedPartsError("a part has no head")
    media_type = ""
    for line in body[line_end + 2 : head_end].split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-type":
            media_type = media_type_of(value.decode("latin-1"))
    return BodyPart(media_type, body[head_end + len(HEAD_END) : end])
