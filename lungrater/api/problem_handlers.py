"""Whatever ends an operation early, as problem+json in the sentence that a page would show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, Throttled, ValidationError

from accounts.api.problems import ProblemError
from pool.storage.stored_files import LostFileError
from rating.reading.revision_chain import RatingsDifferError
from rating.studies.study import NotPossibleError

Handler = Callable[[Any], ProblemError]


def _validation(error: ValidationError) -> ProblemError:
    errors: dict[str, list[str]] = {}
    for each in error.errors:
        place = [
            str(part) for part in each.get("loc", ()) if part not in {"body", "query", "path", "form", "file"}
        ]
        errors.setdefault(".".join(place[1:] or place), []).append(str(each.get("msg", "Not valid.")))
    lines = [f"{field}: {sentence}" for field, sentences in errors.items() for sentence in sentences]
    return ProblemError(422, " ".join(lines), errors=errors)


def _throttled(error: Throttled) -> ProblemError:
    headers = {} if error.wait is None else {"Retry-After": str(error.wait)}
    return ProblemError(429, "This token has asked too often; wait a little.", headers=headers)


HANDLERS: dict[type[Exception], Handler] = {
    ProblemError: lambda error: error,
    Http404: lambda _error: ProblemError(404, "There is nothing of this name or number for you."),
    PermissionDenied: lambda _error: ProblemError(403, "Your role may not do this."),
    NotPossibleError: lambda error: ProblemError(409, str(error)),
    RatingsDifferError: lambda error: ProblemError(409, str(error)),
    LostFileError: lambda error: ProblemError(410, str(error)),
    ValidationError: _validation,
    Throttled: _throttled,
    HttpError: lambda error: ProblemError(error.status_code, str(error)),
}


def handle_problems(api: NinjaAPI) -> None:
    for kind, handler in HANDLERS.items():

        def answer(_request: HttpRequest, error: Any, handler: Handler = handler) -> HttpResponse:
            return handler(error).response()

        api.add_exception_handler(kind, answer)
