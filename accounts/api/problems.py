"""What a program is told when it cannot have what it asked for: problem+json (RFC 9457), in the page's own sentences."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import HttpResponse
from ninja import Schema

MEDIA_TYPE = "application/problem+json"
TITLES = {
    400: "Not understood",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not there",
    405: "Not that way",
    409: "Not possible now",
    410: "Gone",
    422: "Not valid",
    429: "Too often",
}


class Problem(Schema):
    """RFC 9457. `errors` names the fields, each with the sentences that the page would show beside it."""

    type: str
    title: str
    status: int
    detail: str
    errors: dict[str, list[str]] = {}


@dataclass(frozen=True, slots=True)
class Refusal:
    """An act that was refused, for the log of its subject."""

    subject: Any
    act: str
    reason: str


class ProblemResponse(HttpResponse):
    refusal: Refusal | None = None


class ProblemError(Exception):
    """Ends an operation with this answer; what it did until then is undone."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Mapping[str, list[str]] | None = None,
        kind: str = "about:blank",
        headers: Mapping[str, str] | None = None,
        refusal: Refusal | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.kind, self.refusal = status, detail, kind, refusal
        self.errors, self.headers = dict(errors or {}), dict(headers or {})

    def response(self) -> HttpResponse:
        content: dict[str, object] = {
            "type": self.kind,
            "title": TITLES.get(self.status, "Something went wrong here"),
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            content["errors"] = self.errors
        text = json.dumps(content, ensure_ascii=False)
        response = ProblemResponse(text, content_type=MEDIA_TYPE, status=self.status, headers=self.headers)
        response.refusal = self.refusal
        return response


def not_valid(form: forms.BaseForm) -> ProblemError:
    """The problem of a form that was not filled rightly."""
    errors = {
        ("" if field == NON_FIELD_ERRORS else field): [str(sentence) for sentence in sentences]
        for field, sentences in form.errors.items()
    }
    return ProblemError(422, " ".join(_lines(errors)), errors=errors)


def _lines(errors: Mapping[str, list[str]]) -> Iterator[str]:
    for field, sentences in errors.items():
        for sentence in sentences:
            yield f"{field}: {sentence}" if field else sentence
