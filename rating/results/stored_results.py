"""Numbers and drawings in a folder that is named by all they follow from: made once, read back as what they were."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pool.canonical.typed_json import as_json, from_json

T = TypeVar("T")
LAYOUT = 16  # raise it when numbers or figures are made otherwise
STATES = 2
MOST_FILES = 400


class StoredResults:
    """A cache: whoever misses a file makes it again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def has(self, name: str) -> bool:
        """Whether the numbers of this name are there to be read."""
        return (self.folder / f"{_safe(name)}.json").exists()

    def typed(self, name: str, kind: type[T], make: Callable[[], T]) -> T:
        """The numbers of this name, made once and read back as what they were."""
        path = self.folder / f"{_safe(name)}.json"
        if path.exists():
            hashable: Any = kind
            value: T = _typed(hashable, path, path.stat().st_mtime_ns)
            return value
        value = make()
        words = json.dumps(as_json(value), ensure_ascii=False, allow_nan=False)
        self.write(path, lambda place: place.write_text(words, encoding="utf-8"))
        return value

    def bytes(self, name: str, make: Callable[[], bytes]) -> bytes:
        """The drawing of this name, made once."""
        path = self.folder / _safe(name)
        if not path.exists():
            content = make()
            self.write(path, lambda place: place.write_bytes(content))
            return content
        return path.read_bytes()

    def write(self, path: Path, write: Callable[[Path], Any]) -> None:
        """Put the whole file there at once; a reader never sees half of one."""
        if not self.folder.exists():
            _forget_old(self.folder.parent)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if sum(1 for _ in self.folder.iterdir()) >= MOST_FILES:
            return
        with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as place:
            pass
        write(Path(place.name))
        Path(place.name).replace(path)


# A process goes from page to page of one study: what it has read last it need not read again. All of it is frozen.
@lru_cache(maxsize=4)
def _typed(kind: Any, path: Path, _written: int) -> Any:
    return from_json(kind, json.loads(path.read_text(encoding="utf-8")))


def _forget_old(folder: Path) -> None:
    """Keep the last few states; older numbers can be made again."""
    if not folder.exists():
        return
    states = sorted(
        (path for path in folder.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime
    )
    for old in states[: -STATES + 1] if STATES > 1 else states:
        shutil.rmtree(old, ignore_errors=True)


def _safe(name: str) -> str:
    """A file name that no request can steer out of the folder."""
    stem, _, ending = name.rpartition(".")
    digest = hashlib.sha256(name.encode()).hexdigest()[:32]
    return f"{digest}.{ending}" if stem and ending.isalnum() else digest
