"""Lists a page at a time, by a cursor: a row that comes meanwhile moves none of the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError as FieldError
from django.db.models import QuerySet
from django.http import HttpRequest
from ninja.errors import ValidationError
from ninja.pagination import CursorPagination, paginate
from pydantic import ValidationError as NoCursorError

from accounts.api.problems import ProblemError
from accounts.api.signatures import sign_as

PER_PAGE = 50
MOST = 200


class Pages(CursorPagination):
    """Ninja's, the latest row first; a cursor that none of its answers held is refused in a sentence."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"ordering": ("-pk",), "page_size": PER_PAGE, "max_page_size": MOST, **options})

    def paginate_queryset(
        self, queryset: QuerySet[Any], pagination: Any, request: HttpRequest, **params: Any
    ) -> Any:
        try:
            return super().paginate_queryset(queryset, pagination, request, **params)
        except (ValidationError, FieldError, NoCursorError, ValueError, OverflowError) as error:
            sentence = "Use the address that “next” or “previous” gives."
            raise ProblemError(422, f"cursor: {sentence}", errors={"cursor": [sentence]}) from error


def paged(operation: Callable[..., Any]) -> Any:
    """The operation, which gives a QuerySet, a page at a time."""
    sign_as(operation, operation)
    return paginate(Pages)(operation)
