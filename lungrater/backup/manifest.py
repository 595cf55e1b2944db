"""What a backup says of itself: what wrote it, how much of what is in it, and the sum of all its sums."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from lungrater.backup.errors import RefusedError

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """`tables` counts the rows of each table as of the one snapshot; `anchor` is the head of the site's log in it."""

    format: int = FORMAT
    lungrater: str
    created_at: str
    postgresql: int
    database_bytes: int
    migrations: list[str]
    tables: dict[str, int]
    files: int
    file_bytes: int
    models: int
    model_bytes: int
    anchor: str
    secret_key: str
    """A fingerprint of the secret key, by which a restore knows the right one."""
    has_secret_key: bool
    missing: list[str] = field(default_factory=list)
    """Files that rows name and the storage did not have."""
    sums_sha256: str = ""
    """Of SHA256SUMS, which has a line for each other member."""

    def as_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: bytes) -> Manifest:
        """Raises RefusedError where this is the manifest of another format."""
        values: dict[str, Any] = json.loads(text)
        if values.get("format", 0) != FORMAT:
            raise RefusedError(
                f"This backup is of format {values.get('format')}, and this LungRater reads format {FORMAT}: "
                "restore it with the version that made it."
            )
        return cls(**{each.name: values[each.name] for each in fields(cls)})

    @property
    def bytes(self) -> int:
        """Room that its files and its database take once restored."""
        return self.file_bytes + self.model_bytes + self.database_bytes
