"""What holds for every operation: its document, its problems, and that nothing half done stays."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from tests.api.callers import caller

pytestmark = pytest.mark.django_db
DOCUMENT = "/api/v1/openapi.json"


def test_the_document_is_openapi_3_1_and_names_the_scope_of_every_operation(researcher, client_of):
    document = client_of(researcher).get(DOCUMENT).json()

    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    assert document["openapi"].startswith("3.1")
    assert {operation["x-scope"] for operation in operations} <= {"read", "write", "export", "people"}
    assert all("application/problem+json" in o["responses"]["401"]["content"] for o in operations)


def test_a_program_may_read_the_document_too_and_a_rater_may_not(researcher, rater, client, client_of):
    """Raters who are not told the purpose yet must not read it there."""
    assert caller(researcher).get(DOCUMENT).status_code == 200
    assert client.get(DOCUMENT).status_code == 401
    assert client_of(rater).get(DOCUMENT).status_code == 401
    assert client_of(rater).get(reverse("api_docs")).status_code == 403


def test_the_document_is_made_once_a_process(researcher, client_of, monkeypatch):
    browser = client_of(researcher)
    document = browser.get(DOCUMENT)
    monkeypatch.setattr("lungrater.api.house_api.HouseAPI.get_openapi_schema", None)

    again = browser.get(DOCUMENT)
    page = browser.get(reverse("api_docs"))

    assert (again.content, again["Content-Type"]) == (document.content, "application/json")
    assert page.status_code == 200


def test_the_page_names_every_operation_and_brings_no_script_of_its_own(researcher, client_of):
    document = client_of(researcher).get(DOCUMENT).json()

    page = client_of(researcher).get(reverse("api_docs")).content.decode()

    for path, methods in document["paths"].items():
        for method in methods:
            assert f"{method.upper()} {path}" in page
    assert "<style" not in page
    assert "cdn" not in page


def test_a_method_that_an_address_does_not_take_is_a_problem_too(researcher):
    answer = caller(researcher).delete("/api/v1/me")

    assert answer.status_code == 405
    assert answer["Allow"] == "GET"
    assert answer["Content-Type"] == "application/problem+json"


def test_what_is_no_json_is_refused_in_a_problem(researcher):
    answer = caller(researcher).post("/api/v1/datasets", "{", content_type="application/json")

    assert answer.status_code == 400
    assert json.loads(answer.content)["title"] == "Not understood"
