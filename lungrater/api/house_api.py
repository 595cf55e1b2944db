"""Ninja's API with what every operation of ours answers beside its own: problems, and the scope it takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.urls import URLPattern
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.router import Router

from accounts.api.access import Access
from accounts.api.door import behind_the_door
from accounts.api.problems import MEDIA_TYPE, TITLES, Problem
from accounts.api.types import TYPED_RESULT
from pool.canonical.json_schema import AT, Schema, schemas_of

PROBLEMS = (400, 401, 403, 404, 409, 410, 422, 429)
PREFIX = "api/v1/"
REFERENCE = f"{AT}Problem"


class HouseAPI(NinjaAPI):
    """`result_types`: dataclasses and TypedDicts that operations give as JSON and name; the document describes each."""

    def __init__(self, *, result_types: Sequence[type] = (), **options: Any) -> None:
        super().__init__(**options)
        self.result_types = result_types

    def get_openapi_schema(self, *, path_prefix: str | None = None, path_params: Any = None) -> OpenAPISchema:
        schema = super().get_openapi_schema(path_prefix=path_prefix or PREFIX, path_params=path_params)
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schema["components"]["schemas"]["Problem"] = problem
        _add_schemas(schema["components"]["schemas"], self.result_types)
        _refer(schema)
        scopes = self._scopes()
        for methods in schema["paths"].values():
            for operation in methods.values():
                for status in PROBLEMS:
                    operation["responses"].setdefault(
                        status,
                        {
                            "description": TITLES[status],
                            "content": {MEDIA_TYPE: {"schema": {"$ref": REFERENCE}}},
                        },
                    )
                operation["x-scope"] = scopes[operation["operationId"]]
        return schema

    def _scopes(self) -> dict[str, str]:
        """By operation, as the document names it: the scope that a token needs."""
        return {
            operation.operation_id or self.get_openapi_operation_id(operation): callback.scope.value
            for router in self._get_bound_routers()
            for view in router.path_operations.values()
            for operation in view.operations
            for callback in operation.auth_callbacks
            if isinstance(callback, Access)
        }

    def get_openapi_operation_id(self, operation: Any) -> str:
        return str(operation.view_func.__name__)

    def get_operation_url_name(self, operation: Any, router: Router) -> str:
        return str(operation.view_func.__name__)

    def addresses(self, in_pieces: frozenset[str] = frozenset()) -> list[URLPattern]:
        """All operations behind the one door; Ninja's own pages are left out."""
        return [
            behind_the_door(pattern, in_pieces=in_pieces)
            for pattern in self.urls[0]
            if isinstance(pattern, URLPattern) and pattern.name not in {"api-root", "openapi-json"}
        ]


def _add_schemas(components: dict[str, Schema], kinds: Sequence[type]) -> None:
    """Raises ValueError where two different things have one name."""
    schemas = schemas_of(*kinds)
    if twice := schemas.keys() & components.keys():
        raise ValueError(f"The document has two of {', '.join(sorted(twice))}: rename one.")
    components.update(schemas)


def _refer(part: Any) -> None:
    """Put a reference in place of each mark of a typed result, which pydantic could not follow while it made the document."""
    if isinstance(part, dict):
        if TYPED_RESULT in part:
            part["$ref"] = f"{AT}{part.pop(TYPED_RESULT)}"
            part.pop("title", None)
        for each in part.values():
            _refer(each)
    elif isinstance(part, list):
        for each in part:
            _refer(each)
