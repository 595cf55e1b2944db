"""A bar in a terminal for each part of a backup or a restore; silent where nobody looks at one."""

from __future__ import annotations

from tqdm import tqdm

from lungrater.backup.archive import Progress


def bar(what: str, byte_count: int) -> Progress:
    progress_bar = tqdm(total=byte_count or None, unit="B", unit_scale=True, desc=what, disable=None)

    def advance(count: int) -> None:
        progress_bar.update(count)
        if progress_bar.n >= byte_count:
            progress_bar.close()

    return advance
