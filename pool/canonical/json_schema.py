"""The JSON Schema of typed results, by the same rules that `typed_json` writes them: nothing of it is written by hand."""

from __future__ import annotations

import inspect
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, NotRequired, Required, Union, get_args, get_origin, get_type_hints, is_typeddict

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


def schemas_of(*kinds: type) -> dict[str, Schema]:
    """By name: the schemas of these dataclasses and TypedDicts and of all inside them.

    Raises TypeError for what has no form in JSON, and where two different ones have one name.
    """
    schemas: dict[str, Schema] = {}
    by_name: dict[str, type] = {}
    for kind in kinds:
        _add(kind, schemas, by_name)
    return schemas


def _add(kind: type, schemas: dict[str, Schema], kinds: dict[str, type]) -> None:
    name = kind.__name__
    if name in kinds:
        if kinds[name] is not kind:
            raise TypeError(f"{kind.__module__} and {kinds[name].__module__} both have a {name}.")
        return
    kinds[name] = kind
    parts, required = _parts_of_typed_dict(kind) if is_typeddict(kind) else _parts_of_dataclass(kind)
    schemas[name] = {
        "title": name,
        "type": "object",
        "description": inspect.cleandoc(kind.__doc__ or ""),
        "properties": {each: _schema(part, schemas, kinds) for each, part in parts.items()},
        "required": required,
        "additionalProperties": False,
    }


def _parts_of_dataclass(kind: Any) -> tuple[dict[str, object], list[str]]:
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind)]
    return {name: hints[name] for name in names}, names


def _parts_of_typed_dict(kind: Any) -> tuple[dict[str, object], list[str]]:
    """Its keys, and those that are always there; `__required_keys__` is blind to marks in annotations that are text."""
    marked = get_type_hints(kind, include_extras=True)
    required = [
        name
        for name, hint in marked.items()
        if get_origin(hint) is Required
        or (name in kind.__required_keys__ and get_origin(hint) is not NotRequired)
    ]
    return get_type_hints(kind), required


def _schema(kind: Any, schemas: dict[str, Schema], kinds: dict[str, type]) -> Schema:
    if kind in PLAIN:
        return PLAIN[kind]
    if isinstance(kind, type) and (is_dataclass(kind) or is_typeddict(kind)):
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
