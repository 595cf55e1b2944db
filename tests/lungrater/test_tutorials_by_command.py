"""Tutorials typed in order into the commands themselves, in this process: what `tests/servers` does beside a site, quicker."""

from __future__ import annotations

import shlex
import zipfile
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.lungrater import commands_in_docs
from tests.lungrater.commands_in_docs import REPOSITORY

pytestmark = [pytest.mark.walk, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def typed(page: str) -> str:
    """What the marked commands of this page print."""
    output = StringIO()
    marked = [
        block for block in commands_in_docs.blocks(REPOSITORY / "docs" / "tutorials" / page) if block.is_run
    ]
    for line in (line for block in marked for line in block.lines):
        with redirect_stdout(output), redirect_stderr(output):
            call_command(*shlex.split(line, comments=True)[1:], stdout=output)
    return output.getvalue()


def test_the_curve_of_the_ct_paper_has_a_point_for_each_checkpoint() -> None:
    output = typed("ct-fid.md")

    points = [line.split(",") for line in output.splitlines() if line.count(",") > 10]
    measured = [point[0] for point in points[1:] if point[2]]
    assert points[0][:4] == ["step", "loss", "fd", "kd"]
    assert measured == ["20", "40", "60"]
    assert "24 made into “Generated CT”" in output
    assert "Fréchet distance FD (phantom-64)" in output


def test_classifiers_trained_on_generated_images_are_tested_on_real_ones() -> None:
    output = typed("train-on-synthetic.md")

    assert "findings-32: 60 steps" in output
    assert output.count("24 made into “Generated findings”") == 2
    assert "unseen real images" in output


def test_three_phases_are_planned_rehearsed_and_read(folder: Path) -> None:
    output = typed("three-phases.md")

    assert "“Chest images (simulated)” is unblinded: 4 simulated raters have read it." in output
    assert "“Chest images” is unblinded." in output
    assert "report.pdf" in zipfile.ZipFile(folder / "chest-images.zip").namelist()


def test_two_generators_meet_in_an_arena(folder: Path) -> None:
    output = typed("arena.md")

    assert "“More real (simulated)” is unblinded: 4 simulated raters have read it." in output
    assert "phantom-lungs" in output
    assert "report.pdf" in zipfile.ZipFile(folder / "arena.zip").namelist()
