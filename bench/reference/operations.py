"""Every operation of the API, in the order of its document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.reference.markdown import table

INTRO = (
    "Every operation of `/api/v1`, in the order of the OpenAPI document that a running site gives under `/api/v1/openapi.json`. "
    "[For programs](../api.md) says how to sign in and what holds for all of them."
)


def operations() -> Iterator[str]:
    from lungrater.api.site_api import api

    schema: dict[str, Any] = api.get_openapi_schema()
    rows = [
        [f"`{method.upper()}`", f"`{path}`", operation.get("summary", "")]
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]
    yield from table(["method", "path", "what"], rows)
