"""The one place where typed results become JSON, and where JSON becomes typed results again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

T = TypeVar("T")


def as_json(value: Any) -> Any:
    """The same in dictionaries, lists, numbers and words only; what is not a finite number becomes None."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if is_dataclass(value) and not isinstance(value, type):
        return {name: as_json(getattr(value, name)) for name in _names(type(value))}
    if isinstance(value, Mapping):
        return {str(key): as_json(part) for key, part in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [as_json(part) for part in value]
    if isinstance(value, np.generic):
        return as_json(value.item())
    raise TypeError(f"{type(value).__name__} has no form in JSON.")


def from_json(kind: type[T], value: Any) -> T:
    """What `as_json` made of a value of this type, as that type again; raises TypeError where it does not fit."""
    result: T = _read(kind, value)
    return result


def _read(kind: Any, value: Any) -> Any:
    if get_origin(kind) is not None:
        return _of_generic(get_origin(kind), get_args(kind), value)
    if isinstance(kind, type) and is_dataclass(kind):
        # What an older version wrote lacks the fields that came later: those have a default.
        there = {
            name: of for name, of in _hints(kind).items() if name in value or name not in _defaults(kind)
        }
        return kind(**{name: _read(of, value[name]) for name, of in there.items()})
    if kind is float and isinstance(value, int | float):
        return float(value)
    if isinstance(kind, type) and isinstance(value, kind):
        return value
    raise TypeError(f"{value!r} is no {kind}.")


def _of_generic(origin: Any, arguments: tuple[Any, ...], value: Any) -> Any:
    if origin in {Union, UnionType}:
        return _of_union(arguments, value)
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return tuple(_read(arguments[0], part) for part in value)
    if origin is tuple:
        return tuple(_read(part_kind, part) for part_kind, part in zip(arguments, value, strict=True))
    if origin is list:
        return [_read(arguments[0], part) for part in value]
    if origin is dict:
        return {key: _read(arguments[1], part) for key, part in value.items()}
    raise TypeError(f"{origin} is not among the types of results.")


def _of_union(kinds: tuple[Any, ...], value: Any) -> Any:
    """The one kind there is beside None: results have no other unions."""
    if value is None and NoneType in kinds:
        return None
    (kind,) = (kind for kind in kinds if kind is not NoneType)
    return _read(kind, value)


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


@cache
def _defaults(kind: Any) -> frozenset[str]:
    return frozenset(
        field.name
        for field in fields(kind)
        if field.default is not MISSING or field.default_factory is not MISSING
    )


@cache
def _hints(kind: Any) -> dict[str, object]:
    hints = get_type_hints(kind)
    return {name: hints[name] for name in _names(kind)}
