"""Every worked example comes out as published, or as two independent programs computed it."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from . import worked_agreement, worked_more, worked_truth  # noqa: F401  they register their answers
from .worked import ANSWERS, Example, examples

pytestmark = pytest.mark.filterwarnings("error")

NOT_OFFERED = Path(__file__).resolve().parents[3] / "docs/methods-not-offered.csv"


def names_not_offered(kind: str) -> set[str]:
    """What LungRater does not offer, from the table of the documentation: whole topics, examples, or keys of a result."""
    with NOT_OFFERED.open(newline="", encoding="utf-8") as file:
        return {row["name"] for row in csv.DictReader(file) if row["kind"] == kind}


KEYS_NOT_OFFERED = names_not_offered("key")
EXAMPLES_NOT_OFFERED = names_not_offered("example")
TOPICS_NOT_OFFERED = names_not_offered("topic")


def left_out(example: Example) -> bool:
    return example["id"] in EXAMPLES_NOT_OFFERED or example.get("topic") in TOPICS_NOT_OFFERED


def test_there_are_130_examples_and_what_is_not_offered_is_named() -> None:
    assert len(examples()) == 130
    offered = {found["id"] for found in examples() if not left_out(found)}
    assert offered <= set(ANSWERS)
    assert not {found["id"] for found in examples() if left_out(found)} & set(ANSWERS)


def test_the_table_of_what_is_not_offered_names_examples_that_exist_each_with_a_reason() -> None:
    with NOT_OFFERED.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))

    assert all(row["method"] and row["reason"] and row["instead"] for row in rows)
    assert {found["id"] for found in examples()} >= EXAMPLES_NOT_OFFERED
    assert {found.get("topic") for found in examples()} >= TOPICS_NOT_OFFERED
    assert sum(not left_out(found) for found in examples()) == 111


@pytest.mark.parametrize(
    "example", [pytest.param(found, id=found["id"]) for found in examples() if not left_out(found)]
)
def test_the_program_gives_the_published_numbers(example: Example) -> None:
    answer = ANSWERS[example["id"]](example)

    assert set(answer) & set(example["expected"])
    difference = different(answer, example["expected"], example["tolerance"])
    assert difference is None, difference


def different(found: Any, expected: Any, tolerance: float, name: str = "") -> str | None:
    """Where the two differ by more than the tolerance; undefined only where undefined is expected."""
    if isinstance(expected, dict) and found is not None:
        for key, value in expected.items():
            if key not in found:
                if key not in KEYS_NOT_OFFERED:
                    return f"{name}.{key} is missing"
            elif problem := different(found[key], value, tolerance, f"{name}.{key}"):
                return problem
        return None
    if isinstance(expected, list) and expected and isinstance(expected[0], dict):
        if len(found) != len(expected):
            return f"{name} has {len(found)} rows for {len(expected)}"
        rows = zip(found, expected, strict=True)
        return next(filter(None, (different(a, b, tolerance, f"{name}[]") for a, b in rows)), None)
    same = _same(found, expected, tolerance)
    return None if same else f"{name}: {found} for {expected}"


def _same(found: Any, expected: Any, tolerance: float) -> bool:
    if expected is None or isinstance(expected, bool):
        return found is expected
    if isinstance(expected, str) or (
        isinstance(expected, list) and expected and isinstance(expected[0], str)
    ):
        return bool(found == expected)
    numbers = np.asarray(found, dtype=np.float64)
    wanted = np.asarray(expected, dtype=np.float64)
    return numbers.shape == wanted.shape and bool(np.all(np.abs(numbers - wanted) <= tolerance))
