"""The one door for foreign texts and names: what a header, a table, a file system or a server says, as a table takes it.

PostgreSQL stores neither NUL nor half a letter, in text or in JSON, and one of them would end a whole import.
"""

from __future__ import annotations

import math
import re
import textwrap
import unicodedata
from typing import Any

MAX_NAME = 255
REPLACEMENT = "\ufffd"
# Control characters besides tab and line feed; what they separate stays apart, NUL only fills up.
CONTROL = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
HALF_LETTER = re.compile(r"[\ud800-\udfff]")
ESCAPED_BYTE = re.compile(r"[\udc80-\udcff]")


def plain(text: str, *, most: int | None = None) -> str:
    """The text without NUL, control characters and half letters, lines and tabs kept, at most `most` letters."""
    if ESCAPED_BYTE.search(text):
        text = _unescaped(text)
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    clean = HALF_LETTER.sub(REPLACEMENT, CONTROL.sub(" ", text))
    return unicodedata.normalize("NFC", clean)[:most]


def line(text: str, *, most: int | None = None) -> str:
    """The same on one line: runs of white space become one space, none at the ends."""
    return " ".join(plain(text).split())[:most]


def file_name(name: str, *, most: int = MAX_NAME) -> str:
    """A file's path as a table takes it: the end of it when it is very long."""
    return plain(name).replace("\n", " ").replace("\t", " ")[-most:]


def plain_json(value: Any) -> Any:
    """The same of every text in it, keys too; a number that JSON does not know becomes null."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {plain(str(key)): plain_json(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _unescaped(text: str) -> str:
    """What Python read byte by byte, as it does with names of another encoding than the system's."""
    try:
        raw = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # other half letters are among it
        return text
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def cause(error: BaseException) -> str:
    """The first line of what an error says, short enough for a sentence and cut between words; else the error's name."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return textwrap.shorten(line(lines[0]), width=160, placeholder=" …")
