"""The verdicts of a test go with its report, whichever process it ran in."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.rating.blinding.leak_table import PROPERTY
from tests.rating.blinding.planting import VERDICTS


@pytest.fixture(autouse=True)
def verdicts(record_property: Callable[[str, object], None]) -> Iterator[None]:
    VERDICTS.clear()
    yield
    record_property(PROPERTY, list(VERDICTS))
