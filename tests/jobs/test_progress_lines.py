"""Progress where nobody looks at a terminal, such as under nohup."""

from __future__ import annotations

import pytest

from jobs.command_line import progress_bar
from tests.generation.makers import make_job


@pytest.mark.django_db
def test_without_a_terminal_a_line_comes_every_half_minute_and_none_before(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = [0.0]
    monkeypatch.setattr("jobs.command_line.progress_bar.time.monotonic", lambda: seconds[0])
    job = make_job(total=90)

    with progress_bar.followed(job):
        for job.done in range(90):
            seconds[0] = float(job.done)
            job.message = f"Image {job.done}"
            assert job.on_beat is not None
            job.on_beat(job)

    lines = capsys.readouterr().err.splitlines()
    assert lines == ["30 of 90 images. Image 30", "60 of 90 images. Image 60"]
