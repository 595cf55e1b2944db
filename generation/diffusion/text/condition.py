"""How a model is told texts: by which encoder, in how many tokens, and how often it is not told; no torch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from generation.diffusion.run_config import ConfigError

NAME = "text"  # what its guidance goes by, among the attributes'
FEWEST_TOKENS, MOST_TOKENS, MOST_WIDTH = 4, 512, 8192
MOST_BYTES_OF_STATES = 8 * 2**30
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class TextCondition:
    """The `encoder` is a folder's name in the home, `sha256` the fingerprint of what lies in it.

    A text becomes up to `tokens` states of `width` numbers each; longer ones are cut.
    """

    encoder: str
    sha256: str
    width: int
    tokens: int = 77
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if not self.encoder or set(self.encoder) & set("/\\\0") or self.encoder.startswith("."):
            raise ConfigError("A text encoder goes by the name of its folder.")
        if not SHA256.fullmatch(self.sha256):
            raise ConfigError("The fingerprint of a text encoder is a SHA-256.")
        if type(self.width) is not int or not 1 <= self.width <= MOST_WIDTH:
            raise ConfigError(f"The states of a text encoder have from 1 to {MOST_WIDTH:,} numbers.")
        if type(self.tokens) is not int or not FEWEST_TOKENS <= self.tokens <= MOST_TOKENS:
            raise ConfigError(f"text_tokens are from {FEWEST_TOKENS} to {MOST_TOKENS}.")
        if type(self.dropout) not in {int, float} or not 0 <= self.dropout <= 1:
            raise ConfigError("The dropout of the text must be from 0 to 1.")

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        return cls(**values)

    @property
    def columns(self) -> list[tuple[str, ...]]:
        """What each number of a state is called among all that a network is told."""
        return [("text", str(place)) for place in range(self.width)]


def distinct_texts(texts: Iterable[str]) -> list[str]:
    return sorted(set(texts) - {""})


def check_size(count: int, condition: TextCondition) -> None:
    """Raises ConfigError where the states of so many texts would take more memory than they may."""
    size = count * condition.tokens * condition.width * 4
    if size > MOST_BYTES_OF_STATES:
        raise ConfigError(
            f"The states of {count:,} texts of {condition.tokens} tokens take {size / 2**30:.1f} GB, and "
            f"{MOST_BYTES_OF_STATES / 2**30:.0f} GB are allowed: ask for fewer text_tokens."
        )
