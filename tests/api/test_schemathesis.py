"""Every operation called as its document says: no fault of ours, and no answer that the document does not tell."""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts.models import PersonalToken
from lungrater.api.site_api import api
from tests.api.callers import EVERY_SCOPE, act_header
from tests.api.test_permissions import address, operations
from tests.test_permissions import world

__all__ = ["world"]
EXAMPLES = 5
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture
def one_connection() -> Iterator[None]:
    """As Django's own test client does: a request's end must not end the test's connection."""
    ends = (request_started, request_finished)
    for signal in ends:
        signal.disconnect(close_old_connections)
    yield
    for signal in ends:
        signal.connect(close_old_connections)


@pytest.mark.django_db
@pytest.mark.usefixtures("one_connection")
def test_every_operation_answers_as_its_document_says(world, monkeypatch):
    """Half of the calls name rows that are there, so that more than refusals is met."""
    monkeypatch.setattr("django.conf.settings.API_RATE", "1000000/m")
    admin = world["people"]["admin"]
    _token, secret = PersonalToken.issue(
        admin, name="a test", lives=timedelta(days=1), scopes=EVERY_SCOPE, proof="password"
    )
    headers = {"Authorization": f"Bearer {secret}", "Act-Token": act_header(admin)["act-token"]}
    document = json.loads(json.dumps(api.get_openapi_schema()))
    schema = schemathesis.openapi.from_dict(document)
    schema.app = WSGIHandler()
    paths = {name: (path, address(name, path, world)) for name, _method, path, _operation in operations()}

    faults = {}
    for result in schema.get_all_operations():
        operation = result.ok()
        name = operation.definition.raw["operationId"]
        try:
            call_often(operation, headers, parts_of(*paths.pop(name)))
        except BaseExceptionGroup as error:
            faults[name] = "".join(traceback.format_exception(error))[-1500:]

    assert faults == {}
    assert paths == {}


def call_often(operation: Any, headers: dict[str, str], there: dict[str, str]) -> None:
    turn = iter(range(10**6))

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def call(case: Any) -> None:
        if next(turn) % 2 == 0:
            case.path_parameters = {**(case.path_parameters or {}), **there}
        for header in headers:
            case.headers.pop(header, None)
        with transaction.atomic():
            case.call_and_validate(headers=headers, checks=CHECKS)
            transaction.set_rollback(True)

    call()


def parts_of(path: str, filled: str) -> dict[str, str]:
    """The parameters of a path, read off the same path filled."""
    pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", re.escape(path))
    match = re.fullmatch(pattern, filled)
    return match.groupdict() if match else {}
