"""What stands in addresses and bodies, bounded as the tables are."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Key = Annotated[int, Field(ge=1, le=2**63 - 1)]
Slug = Annotated[str, Field(pattern=r"^[-a-zA-Z0-9_]+$", min_length=1, max_length=100)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
