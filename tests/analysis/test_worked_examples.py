"""Every published worked example comes out as published."""

from typing import Any

import numpy as np
import pytest

from . import worked_agreement, worked_truth  # noqa: F401  they register their answers
from .worked import ANSWERS, Example, examples

pytestmark = pytest.mark.filterwarnings("error")


def test_there_are_55_examples() -> None:
    assert len(examples()) == 55


@pytest.mark.parametrize("example", [pytest.param(found, id=found["id"]) for found in examples()])
def test_the_program_gives_the_published_numbers(example: Example) -> None:
    assert example["id"] in ANSWERS, "nobody computes this example"

    answer = ANSWERS[example["id"]](example)

    for name, expected in example["expected"].items():
        assert same(answer[name], expected, example["tolerance"]), f"{name}: {answer[name]} for {expected}"


def same(found: Any, expected: Any, tolerance: float) -> bool:
    """Equal within the tolerance, undefined only where undefined is expected."""
    if isinstance(expected, dict):
        return set(found) == set(expected) and all(same(found[k], expected[k], tolerance) for k in expected)
    if expected is None or isinstance(expected, bool):
        return found is expected
    numbers = np.asarray(found, dtype=np.float64)
    return numbers.shape == np.shape(expected) and bool(np.all(np.abs(numbers - expected) <= tolerance))
