"""What `python -m bench.containers` reads of the Dockerfile and of docker-compose.yml."""

from __future__ import annotations

import pytest

from bench.containers.dockerfile import command, filled, stages_of
from tests.servers.sites import REPOSITORY

TWO_STAGES = """
# a comment
FROM debian AS first
RUN one \\
    # a comment between
    && two
COPY a b c/
FROM debian
CMD ["run", "it"]
"""


def test_stages_have_their_steps_with_lines_that_go_on_joined_and_comments_left_out() -> None:
    first, second = stages_of(TWO_STAGES)

    assert (first.base, first.name, second.name) == ("debian", "first", "")
    assert [(step.instruction, step.value.split()) for step in first.steps] == [
        ("RUN", ["one", "&&", "two"]),
        ("COPY", ["a", "b", "c/"]),
    ]
    assert command(second.steps[0].value) == ["run", "it"]


@pytest.mark.parametrize(
    ("text", "values", "result"),
    [
        ("${A:-else}", {}, "else"),
        ("${A:-else}", {"A": ""}, "else"),
        ("${A:-else}", {"A": "x"}, "x"),
        ("${A:?why},web", {"A": "x"}, "x,web"),
        ("${A}", {}, ""),
        ("$A is left", {"A": "x"}, "$A is left"),
    ],
)
def test_variables_of_a_compose_file(text: str, values: dict[str, str], result: str) -> None:
    assert filled(text, values) == result


def test_a_variable_that_must_be_there_is_named() -> None:
    with pytest.raises(ValueError, match="ALLOWED_HOSTS: set it in"):
        filled((REPOSITORY / "docker-compose.yml").read_text(), {})
