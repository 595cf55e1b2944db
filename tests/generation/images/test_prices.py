"""The price table: what it knows, whose word it is, and the home's own before it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from generation.images.forms.prompted import OpenAIJobForm
from generation.images.prices.table import PriceTableError, TokenPrices, price_table, prices_of

OWN = """
[[model]]
prefix = "dall-e-2"
source = "our contract"
as_of = "2026-11-01"
[model.image]
"256x256" = 0.005
"""


@pytest.fixture
def home(settings: Any, tmp_path: Path) -> Path:
    settings.HOME = type("Home", (), {"root": tmp_path})()
    return tmp_path


def test_every_price_says_of_which_day_and_from_where_it_is(home: Path) -> None:
    assert all(row.as_of and row.source for row in price_table())


def test_the_homes_own_table_goes_before_the_shipped_one(home: Path) -> None:
    (home / "prices.toml").write_text(OWN)

    row = prices_of("dall-e-2")

    assert row is not None
    assert row.of_image(size="256x256", quality="") == Decimal("0.005")
    assert row.in_words == "by the price table of 2026-11-01 (our contract)"


def test_a_table_that_cannot_be_read_is_said_with_its_name(home: Path) -> None:
    (home / "prices.toml").write_text("[[model]]\nprefix = 'x'\n")

    with pytest.raises(PriceTableError, match=r"prices\.toml"):
        prices_of("dall-e-2")


def test_tokens_cost_what_each_kind_costs() -> None:
    prices = TokenPrices(text=Decimal(5), image=Decimal(8), output=Decimal(32))

    cost = prices.cost({"input_tokens": 1_000_000, "input_image_tokens": 250_000, "output_tokens": 500_000})

    assert cost == Decimal("21.75")  # 0.75 x 5 + 0.25 x 8 + 0.5 x 32


@pytest.mark.django_db
def test_the_form_prices_a_living_model_and_notes_whose_word_that_is(home: Path) -> None:
    wish = {
        "api_model": "gpt-image-1.5",
        "prompt": "x-ray",
        "modality": "xray",
        "total": "2",
        "new_dataset": "D",
    }

    form = OpenAIJobForm({**wish, "size": "1024x1024", "quality": "medium"})

    assert form.is_valid(), form.errors
    assert form.cleaned_data["price"] == Decimal("0.034")
    assert "2026-05-10" in str(form.settings()["priced_by"])
