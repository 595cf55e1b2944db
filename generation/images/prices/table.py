"""The price table as it is read: shipped beside this file, and the home's own `prices.toml` before it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

from django.conf import settings

SHIPPED = Path(__file__).parent / "prices.toml"
MILLION = 1_000_000
# Whose word a job's price is, where a person gave it; it then goes before the table's tokens.
TYPED = "the price that was typed in"


class PriceTableError(ValueError):
    """The home's price table cannot be read; the message names the file and why."""


@dataclass(frozen=True)
class TokenPrices:
    """US dollars a million tokens: of the prompt, of images sent, and of the image that comes back."""

    text: Decimal
    image: Decimal
    output: Decimal

    def cost(self, usage: Mapping[str, int]) -> Decimal:
        """What the tokens of one reply cost; input that is not told apart counts as text."""
        sent_images = usage.get("input_image_tokens", 0)
        text = usage.get("input_tokens", 0) - sent_images
        total = self.text * text + self.image * sent_images + self.output * usage.get("output_tokens", 0)
        return total / MILLION


@dataclass(frozen=True)
class ModelPrices:
    """What one family of models costs, of which day and by whose word."""

    prefix: str
    source: str
    as_of: str
    tokens: TokenPrices | None = None
    images: Mapping[str, Decimal] = field(default_factory=dict)

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Raises KeyError, TypeError or ArithmeticError for a row of another form."""
        tokens = row.get("per_million")
        return cls(
            str(row["prefix"]),
            str(row["source"]),
            str(row["as_of"]),
            TokenPrices(*(_decimal(tokens[name]) for name in ("text", "image", "output")))
            if tokens
            else None,
            {str(name): _decimal(price) for name, price in row.get("image", {}).items()},
        )

    def of_image(self, *, size: str, quality: str) -> Decimal | None:
        """What one image costs, or None where the table does not know."""
        listed = self.images.get(f"{quality or 'standard'} {size}")
        return self.images.get(size) if listed is None else listed

    @property
    def in_words(self) -> str:
        return f"by the price table of {self.as_of} ({self.source})"


def _decimal(price: object) -> Decimal:
    return Decimal(str(price))


def own_table() -> Path:
    return Path(settings.HOME.root) / "prices.toml"


def price_table() -> list[ModelPrices]:
    """Every row, the home's own first. Raises PriceTableError."""
    return [*_rows_of(own_table()), *_rows_of(SHIPPED)]


def prices_of(model: str) -> ModelPrices | None:
    """The first row whose prefix the model's name begins with. Raises PriceTableError."""
    return next((row for row in price_table() if model.startswith(row.prefix)), None)


def _rows_of(path: Path) -> list[ModelPrices]:
    if not path.exists():
        return []
    try:
        table = tomllib.loads(path.read_text())
        return [ModelPrices.from_row(row) for row in table.get("model", [])]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        reason = getattr(error, "strerror", None) or error  # which names no path
        raise PriceTableError(f"The price table {path.name} cannot be read ({reason}); mend it.") from error
