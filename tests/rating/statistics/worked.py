"""The worked examples of tests/data (published, or computed by two programs), and who answers which."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(__file__).resolve().parents[2] / "data"
FILES = ("statistics.json", "more_statistics.json")

Example = dict[str, Any]
Answer = Callable[[Example], dict[str, Any]]

ANSWERS: dict[str, Answer] = {}


def examples() -> list[Example]:
    """Every example of both files."""
    contents = [json.loads((DATA / name).read_text(encoding="utf-8")) for name in FILES]
    return [example for content in contents for example in content["examples"]]


def example(name: str) -> Example:
    """The example of that id."""
    return next(found for found in examples() if found["id"] == name)


def answers(*names: str) -> Callable[[Answer], Answer]:
    """Register a function as the one that computes these examples."""

    def register(answer: Answer) -> Answer:
        ANSWERS.update(dict.fromkeys(names, answer))
        return answer

    return register


def codes_of(found: Example) -> np.ndarray:
    """The ratings of an example as codes from 0, -1 where missing: raters × items."""
    return np.array(
        [[-1 if cell is None else cell - 1 for cell in row] for row in found["data"]["ratings"]], np.int8
    )


def counts_of(codes: np.ndarray) -> np.ndarray:
    """Items × categories."""
    return np.stack([(codes == k).sum(axis=0) for k in range(codes.max() + 1)], axis=1)
