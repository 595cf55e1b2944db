"""The words of tus 1.0.0 (https://tus.io/protocols/resumable-upload) in headers: the core, creation, termination, expiration."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.utils.http import http_date

VERSION = "1.0.0"
EXTENSIONS = "creation,termination,expiration"
CHUNK_TYPE = "application/offset+octet-stream"
METHOD_OVERRIDE = "X-HTTP-Method-Override"
MOST_METADATA = 8192
NUMBER = re.compile(r"\d{1,18}", re.ASCII)
FINGERPRINT = re.compile(r"[0-9a-f]{64}", re.ASCII)


class ProtocolError(Exception):
    """A request that is refused, with its status and one sentence."""

    def __init__(self, status: int, sentence: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status, self.sentence, self.headers = status, sentence, dict(headers or {})

    def response(self) -> HttpResponse:
        return answer(self.status, self.sentence, **self.headers)


@dataclass(frozen=True)
class Metadata:
    """What an upload says of itself when it is created."""

    name: str
    is_pack: bool
    fingerprint: str


def answer(status: int, sentence: str = "", **headers: Any) -> HttpResponse:
    """An answer as the protocol wants each: nothing of it is stored on the way."""
    response = HttpResponse(sentence, status=status, content_type="text/plain; charset=utf-8")
    if not sentence:
        del response["Content-Type"]
    response["Tus-Resumable"] = VERSION
    response["Cache-Control"] = "no-store"
    for name, value in headers.items():
        response[name.replace("_", "-")] = str(value)
    return response


def check_version(header: str | None) -> None:
    if header != VERSION:
        raise ProtocolError(412, f"This site speaks tus {VERSION}.", {"Tus-Version": VERSION})


def number_of(header: str | None, name: str) -> int:
    """The number in a header. Raises ProtocolError."""
    if header is None or not NUMBER.fullmatch(header):
        raise ProtocolError(400, f"{name} is to be a whole number.")
    return int(header)


def metadata_of(header: str) -> Metadata:
    """Upload-Metadata: pairs of a key and, in base64, its value. Raises ProtocolError."""
    if len(header) > MOST_METADATA:
        raise ProtocolError(400, "Upload-Metadata is too long.")
    pairs: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        key, _, value = pair.partition(" ")
        if not key.isascii() or key in pairs:
            raise ProtocolError(400, "Upload-Metadata names a key twice, or one that is not ASCII.")
        try:
            pairs[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ProtocolError(400, "Upload-Metadata is to hold UTF-8 in base64.") from error
    fingerprint = pairs.get("fingerprint", "")
    return Metadata(
        pairs.get("filename", ""),
        "pack" in pairs,
        fingerprint if FINGERPRINT.fullmatch(fingerprint) else "",
    )


def expiry(moment: datetime) -> str:
    return http_date(moment.timestamp())
