"""The examples in the docstrings of the statistics say what comes out, and every function to import has one."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil

import numpy as np
import pytest

import rating.statistics

MODULES = [module.name for module in pkgutil.walk_packages(rating.statistics.__path__, "rating.statistics.")]


@pytest.mark.parametrize("name", MODULES)
def test_every_example_comes_out_as_written(name: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(name), extraglobs={"np": np})

    assert failed == 0


def test_every_function_to_import_has_an_example() -> None:
    to_import = {name: getattr(rating.statistics, name) for name in rating.statistics.__all__}

    without = [
        name
        for name, value in to_import.items()
        if inspect.isfunction(value) and ">>>" not in (value.__doc__ or "")
    ]

    assert without == []
    assert len(MODULES) > 40
