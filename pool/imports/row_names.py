"""Which row of a table stands for which file, where both name it a little differently.

Equal are names in composed and decomposed letters, in either case, with slashes of either kind, from a longer,
an absolute or a Windows path, and with or without the ending of an image. Where rows are equally near, none is taken.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

ENDINGS = re.compile(
    r"\.(png|jpe?g|tiff?|dcm|dicom|ima|webp|avif|hei[cf]|jp2|j2k|bmp|gif|nii(\.gz)?|nrrd)$", re.IGNORECASE
)
DRIVE = re.compile(r"^[A-Za-z]:")


def tidy_path(path: str) -> str:
    """A path as a table names it, with forward slashes and no beginning that says from where."""
    path = DRIVE.sub("", unicodedata.normalize("NFC", path.strip())).replace("\\", "/")
    return "/".join(part for part in path.split("/") if part not in {"", "."})


@dataclass(frozen=True, order=True)
class Nearness:
    """How near a row's name is to a file's: the greater, the nearer."""

    folders_agree: bool
    ending: int
    same_case: bool
    folders: int


class RowNames:
    """The names of a table's rows, to be asked for that of a file."""

    def __init__(self, names: Iterable[str]) -> None:
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        for name in names:
            self._by_stem[_stem(name)].append(name)

    def nearest(self, path: str) -> tuple[list[str], bool]:
        """The rows that are nearest to a file's path, several where they are equally near; whether folders agree."""
        path = tidy_path(path)
        rows = self._by_stem.get(_stem(path), [])
        if not rows:
            return [], True
        nearness = {row: _nearness(row, path) for row in rows}
        best = max(nearness.values())
        return [row for row in rows if nearness[row] == best], best.folders_agree


def _nearness(row: str, path: str) -> Nearness:
    row_parts, path_parts = row.split("/"), path.split("/")
    common = 0
    for row_part, path_part in zip(reversed(row_parts[:-1]), reversed(path_parts[:-1]), strict=False):
        if row_part.casefold() != path_part.casefold():
            break
        common += 1
    agree = common == min(len(row_parts), len(path_parts)) - 1
    row_part, path_part = row_parts[-1], path_parts[-1]
    ending = (
        2
        if row_part.casefold() == path_part.casefold()
        else 1
        if _stem(row_part) == row_part.casefold()
        else 0
    )
    return Nearness(agree, ending, path.endswith(row) or row.endswith(path), common)


def _stem(path: str) -> str:
    return ENDINGS.sub("", path.rsplit("/", maxsplit=1)[-1].casefold())
