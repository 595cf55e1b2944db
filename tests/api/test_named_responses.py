"""What an operation gives has a name and a type in the document, down to each part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NotRequired, Required, TypedDict

import pytest

from pool.canonical.json_schema import schemas_of
from tests.api.callers import caller
from tests.api.described import AT, Document, document, faults
from tests.api.test_permissions import operations
from tests.generation.utility.datasets import reported_experiment
from tests.rating.cast import imported_ratings

# Parts that may hold anything, and why.
FREE = {
    "EventFacts.detail": "each act notes what it was about",
    "ImageFacts.provenance": "each generator and each file says of itself what it knows",
    "ImageFacts.notes": "each check writes its own",
    "GenerationFacts.settings": "each engine has its own",
    "TrainingFacts.config": "a training's and a fine-tuning's differ, and so did those of older versions",
    "UtilityFacts.config": "as it was sent: what is left out is the default",
    "UtilityLine.config": "as it was sent: what is left out is the default",
    "Protocol.second_questions": "each kind of question has its own",
}


def answers(operation: Document) -> Iterator[Document]:
    """The schemas of what comes back as JSON where it went well."""
    for status, response in operation["responses"].items():
        content = response.get("content", {})
        if str(status).startswith("2") and "application/json" in content:
            yield content["application/json"]["schema"]


def is_bare(schema: Document) -> bool:
    """Whether it says nothing of what is in it."""
    if schema.get("type") == "object":
        return "properties" not in schema and schema.get("additionalProperties", True) in (True, {})
    return not schema.keys() & {"type", "$ref", "anyOf", "allOf", "enum", "const"}


def bare_parts(schema: Document, where: str, schemas: Document, seen: set[str]) -> Iterator[str]:
    """The places, as “Component.property”, that may hold anything."""
    if is_bare(schema):
        yield where
    if "$ref" in schema and (name := schema["$ref"].removeprefix(AT)) not in seen:
        seen.add(name)
        yield from bare_parts(schemas[name], name, schemas, seen)
    for name, part in schema.get("properties", {}).items():
        yield from bare_parts(part, f"{where}.{name}", schemas, seen)
    inner = [schema.get("items"), schema.get("additionalProperties"), *schema.get("prefixItems", [])]
    for part in [*inner, *schema.get("anyOf", []), *schema.get("allOf", [])]:
        if isinstance(part, dict):
            yield from bare_parts(part, where, schemas, seen)


def test_no_part_of_an_answer_in_json_may_hold_just_anything():
    seen: set[str] = set()
    bare = set()
    for name, _method, _path, operation in operations():
        for schema in answers(operation):
            bare |= set(bare_parts(schema, name, document()["components"]["schemas"], seen))

    assert bare == FREE.keys()


def test_an_operation_that_gives_something_says_what():
    silent = [
        name
        for name, _method, _path, operation in operations()
        for status, response in operation["responses"].items()
        if str(status).startswith("2") and str(status) != "204" and not response.get("content")
    ]

    assert silent == []


@pytest.mark.django_db
def test_imported_ratings_give_what_the_document_says(researcher):
    row = imported_ratings("Elsewhere")

    results = caller(researcher).get(f"/api/v1/imported-ratings/{row.slug}/results").json()

    assert faults("ImportedResults", results) == []
    assert results["imported"]["name"] == "Elsewhere"


@pytest.mark.django_db
def test_an_experiment_gives_what_the_document_says_though_an_older_version_wrote_it(researcher):
    experiment = reported_experiment()
    for later in ("subgroups", "external"):
        del experiment.report[later]
    experiment.save()

    facts = caller(researcher).get(f"/api/v1/utility-experiments/{experiment.pk}").json()

    assert faults("UtilityFacts", facts) == []
    assert (facts["report"]["subgroups"], facts["report"]["external"]) == ([], None)


class Half(TypedDict, total=False):
    there: Required[int]
    maybe: float


class Whole(Half):
    parts: list[Half]
    later: NotRequired[str]


def test_a_typed_dict_says_which_keys_are_always_there():
    schemas = schemas_of(Whole)

    assert schemas["Half"]["required"] == ["there"]
    assert sorted(schemas["Whole"]["required"]) == ["parts", "there"]
    assert schemas["Whole"]["properties"]["parts"] == {"type": "array", "items": {"$ref": f"{AT}Half"}}
    assert schemas["Whole"]["description"] == ""
