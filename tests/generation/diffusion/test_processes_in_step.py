"""Processes that train together ask the same of each other, however late one comes: else each waits for the other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from generation.diffusion import checkpoint
from generation.diffusion.distributed_group import DistributedGroup
from generation.diffusion.run import train
from generation.diffusion.trainer import Trainer
from tests.generation.tiny import bright_squares, tiny_config, trained


class LateGroup(DistributedGroup):
    """One of two processes, of which the second comes when the first has already ended: it hears what that one said."""

    size = 2

    def __init__(self, rank: int, answers: list[Any]) -> None:
        self.rank, self.answers, self.to_hear = rank, answers, iter(answers)
        self.asked: list[str] = []

    def wait(self) -> None:
        self.asked.append("wait")

    def first(self, value: Any) -> Any:
        self.asked.append("first")
        if self.rank == 0:
            self.answers.append(value)
            return value
        return next(self.to_hear)


@pytest.mark.parametrize("warm", [False, True], ids=["from noise", "from another run's weights"])
def test_a_process_that_comes_late_asks_what_the_first_one_asked_and_starts_as_it_did(
    warm: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config(steps=2)
    images = bright_squares(config)
    parent = trained(tmp_path / "parent", steps=2) if warm else None
    started: list[int] = []
    restored: list[int] = []
    monkeypatch.setattr(Trainer, "start_from", lambda self, _folder: started.append(self.group.rank))
    monkeypatch.setattr(Trainer, "restore", lambda self, _folder: restored.append(self.group.rank))
    answers: list[Any] = []
    groups = [LateGroup(rank, answers) for rank in range(2)]

    for group in groups:
        train(config, images, tmp_path / "run", parent=parent, group=group)

    assert checkpoint.latest(tmp_path / "run") is not None
    assert groups[0].asked == groups[1].asked
    assert started == ([0, 1] if warm else [])
    assert restored == []
