"""The JSON Schema of typed results, by the same rules that `typed_json` writes them: nothing of it is written by hand."""

from __future__ import annotations

import inspect
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

Schema = dict[str, Any]  # JSON Schema itself
AT = "#/components/schemas/"
# What is not a finite number is written as null, so every float may be.
PLAIN: dict[Any, Schema] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": ["number", "null"]},
    NoneType: {"type": "null"},
    object: {},
    Any: {},
}


def schemas_of(kind: type) -> dict[str, Schema]:
    """By name: the schema of this dataclass and of every one inside it. Raises TypeError for what has no form in JSON."""
    schemas: dict[str, Schema] = {}
    kinds: dict[str, type] = {}
    _add(kind, schemas, kinds)
    return schemas


def _add(kind: type, schemas: dict[str, Schema], kinds: dict[str, type]) -> None:
    name = kind.__name__
    if name in kinds:
        if kinds[name] is not kind:
            raise TypeError(f"{kind.__module__} and {kinds[name].__module__} both have a {name}.")
        return
    kinds[name] = kind
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind)]
    schemas[name] = {
        "title": name,
        "type": "object",
        "description": inspect.getdoc(kind) or "",
        "properties": {each: _schema(hints[each], schemas, kinds) for each in names},
        "required": names,
        "additionalProperties": False,
    }


def _schema(kind: Any, schemas: dict[str, Schema], kinds: dict[str, type]) -> Schema:
    if kind in PLAIN:
        return PLAIN[kind]
    if isinstance(kind, type) and is_dataclass(kind):
        _add(kind, schemas, kinds)
        return {"$ref": f"{AT}{kind.__name__}"}
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {Union, UnionType}:
        return {"anyOf": [_schema(each, schemas, kinds) for each in arguments]}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(arguments[1], schemas, kinds)}
    if origin is list or (origin is tuple and arguments[1:] == (Ellipsis,)):
        return {"type": "array", "items": _schema(arguments[0], schemas, kinds)}
    if origin is tuple:
        parts = [_schema(each, schemas, kinds) for each in arguments]
        return {"type": "array", "prefixItems": parts, "minItems": len(parts), "maxItems": len(parts)}
    raise TypeError(f"{kind} has no form in JSON.")
