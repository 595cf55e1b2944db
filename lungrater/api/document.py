"""The OpenAPI 3.1 document, and the page that shows it: plain HTML, as the strict CSP lets no foreign script in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.contrib.auth.decorators import login_not_required, permission_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.api.access import Access
from accounts.api.problems import ProblemError
from accounts.tokens.models import Scope
from lungrater.api.site_api import api

MAY = "rating.view_study"  # raters who are not told the purpose yet must not read it here
OpenAPI = dict[str, Any]  # a part of the document, which ninja builds as plain JSON
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type: str
    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """One operation as the page shows it."""

    method: str
    path: str
    summary: str
    text: str
    scope: str
    fields: list[Field]
    answers: str


@cache
def _schema() -> OpenAPI:
    """Made once a process, of code alone; nobody changes it."""
    return dict(api.get_openapi_schema())


@cache
def _text() -> bytes:
    return JsonResponse(_schema()).content


@login_not_required
@never_cache
@require_safe
def document(request: HttpRequest) -> HttpResponse:
    """For whoever has signed in on the page, or sends a token."""
    if not (request.user.is_authenticated and request.user.has_perm(MAY)):
        try:
            Access(Scope.READ, MAY)(request)
        except ProblemError as problem:
            return problem.response()
    return HttpResponse(_text(), content_type="application/json")


@permission_required(MAY, raise_exception=True)
@require_safe
def docs_page(request: HttpRequest) -> HttpResponse:
    schema = _schema()
    groups: dict[str, list[Call]] = {}
    for path, methods in schema["paths"].items():
        for method in METHODS:
            if method in methods:
                call = _call(method, path, methods[method], schema)
                groups.setdefault(methods[method]["tags"][0], []).append(call)
    return render(request, "api/docs.html", {"groups": groups, "info": schema["info"]})


def _call(method: str, path: str, operation: OpenAPI, schema: OpenAPI) -> Call:
    return Call(
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        text=operation.get("description", ""),
        scope=operation.get("x-scope", ""),
        fields=[*_parameters(operation), *_body(operation, schema)],
        answers=", ".join(str(status) for status in operation["responses"]),
    )


def _parameters(operation: OpenAPI) -> Iterator[Field]:
    for each in operation.get("parameters", []):
        text = each.get("description") or each.get("schema", {}).get("description", "")
        yield Field(each["name"], f"{_type(each.get('schema', {}))} ({each['in']})", text)


def _body(operation: OpenAPI, schema: OpenAPI) -> Iterator[Field]:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        described = content["schema"]
        if "$ref" in described:
            described = schema["components"]["schemas"][described["$ref"].rsplit("/", 1)[-1]]
        for name, each in described.get("properties", {}).items():
            yield Field(name, _type(each), each.get("description", ""))


def _type(schema: OpenAPI) -> str:
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"] if each.get("type") != "null")
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[-1])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type", "any"))
