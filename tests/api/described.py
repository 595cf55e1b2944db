"""What the document says of JSON, held against JSON."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jsonschema_rs

from lungrater.api.site_api import api

Document = dict[str, Any]  # OpenAPI, which is JSON
AT = "#/components/schemas/"


@cache
def document() -> Document:
    text: Document = json.loads(json.dumps(api.get_openapi_schema()))
    return text


def faults(name: str, value: object) -> list[str]:
    """What the schema of this name has against this JSON."""
    schema = {"$ref": f"{AT}{name}", "components": document()["components"]}
    validator = jsonschema_rs.Draft202012Validator(schema)
    return [f"{list(fault.instance_path)}: {fault.message}" for fault in validator.iter_errors(value)]
