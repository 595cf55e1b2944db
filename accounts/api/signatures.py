"""Operations behind a wrapper, whose types Ninja reads all the same."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any


def sign_as(function: Callable[..., Any], operation: Callable[..., Any]) -> None:
    """Let Ninja read of `function` the types of `operation`, by names of the operation's own module."""
    vars(function)["__signature__"] = inspect.signature(operation, eval_str=True)
