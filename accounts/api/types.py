"""What stands in addresses and bodies, bounded as the tables are."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, WithJsonSchema

Key = Annotated[int, Field(ge=1, le=2**63 - 1)]
Slug = Annotated[str, Field(pattern=r"^[-a-zA-Z0-9_]+$", min_length=1, max_length=100)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

TYPED_RESULT = "x-typed-result"


def typed_result(name: str) -> WithJsonSchema:
    """Marks JSON whose type the document has by this name: of `HouseAPI.result_types`, or a body."""
    return WithJsonSchema({TYPED_RESULT: name})
