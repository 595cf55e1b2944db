"""The folder in which web processes count together."""

from __future__ import annotations

import os
from pathlib import Path

from lungrater.embedded.metrics_folder import PREFIX, shared_metrics_folder

NO_PROCESS = 2**22 + 1  # above the largest number that Linux gives


def test_what_a_killed_site_has_left_goes_and_a_living_one_keeps_its_own(tmp_path: Path) -> None:
    left, living, foreign = (
        tmp_path / f"{PREFIX}{owner}" for owner in (f"{NO_PROCESS}-a", f"{os.getppid()}-b", "word")
    )
    for each in (left, living, foreign):
        each.mkdir()

    folder = shared_metrics_folder(str(tmp_path))

    assert folder is not None
    assert {path.name for path in tmp_path.iterdir()} == {living.name, foreign.name, Path(folder).name}


def test_without_room_there_is_none_and_nothing_is_raised(tmp_path: Path) -> None:
    assert shared_metrics_folder(str(tmp_path / "gone")) is None
    assert shared_metrics_folder(None) is None
