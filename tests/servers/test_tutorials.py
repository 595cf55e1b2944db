"""Tutorials, and what an operator types, in order beside a running site, as a newcomer would."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.sites import REPOSITORY, environment, site

pytestmark = pytest.mark.walk
TUTORIALS = REPOSITORY / "docs" / "tutorials"
MARKED = re.compile(r"<!-- run -->\n```bash\n(.*?)```", re.DOTALL)
ENDS_WITHIN = 300


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a terminal in which `lungrater` is this checkout's, beside a site that runs in another."""
    programs = tmp_path / "bin"
    programs.mkdir()
    lungrater = programs / "lungrater"
    lungrater.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{REPOSITORY / "manage.py"}" "$@"\n')
    lungrater.chmod(0o755)
    home = tmp_path / "home"
    with site(home) as running:
        yield {
            **environment(home),
            "SITE": running.url.rstrip("/"),
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        }


def typed(page: str, terminal: dict[str, str], folder: Path) -> str:
    """What the commands of the page print, typed one block after the other."""
    outputs = []
    place = REPOSITORY / page if page.startswith("docs/") else TUTORIALS / page
    for block in MARKED.findall(place.read_text(encoding="utf-8")):
        done = subprocess.run(
            ["bash", "-eu", "-c", block],
            cwd=folder,
            env=terminal,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=ENDS_WITHIN,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        outputs.append(done.stdout)
    return "".join(outputs)


def test_every_block_of_the_first_tutorial_does_what_the_page_says(
    terminal: dict[str, str], tmp_path: Path
) -> None:
    output = typed("first-study.md", terminal, tmp_path)

    assert "“First reading (simulated)” is unblinded: 4 simulated raters have read it." in output
    assert "“First reading” is open." in output
    assert "“First reading” is unblinded." in output
    assert output.count("/enter/") == 3  # the researcher's link and the raters'
    assert len((tmp_path / "ratings.csv").read_text().splitlines()) == 1 + 4 * 20
    assert "report.pdf" in zipfile.ZipFile(tmp_path / "reading.zip").namelist()
    after = subprocess.run(
        ["lungrater", "analyse", "First reading (simulated)", "--json"],
        env=terminal,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(after.stdout)


def test_a_model_is_trained_measured_read_and_its_images_released(
    terminal: dict[str, str], tmp_path: Path
) -> None:
    output = typed("train-to-release.md", terminal, tmp_path)

    assert "drawings-32: 120 steps, checkpoints drawings-32@60, drawings-32@120." in output
    assert output.count("20 made into “Learnt drawings”") == 2
    assert "Fréchet distance FD (phantom-64)" in output
    assert "unseen real images" in output
    assert "4 simulated raters have read it" in output
    model = zipfile.ZipFile(tmp_path / "drawings-32.zip").namelist()
    assert any(name.endswith("model_index.json") for name in model)
    released = zipfile.ZipFile(tmp_path / "learnt-drawings.zip").namelist()
    assert sum(name.endswith(".png") for name in released) == 40
    assert {"croissant.json", "metadata.csv"} <= {Path(name).name for name in released}


def test_what_operations_says_of_upgrade_backup_restore_keys_and_workers_is_done(
    terminal: dict[str, str], tmp_path: Path
) -> None:
    output = typed("docs/operations.md", terminal, tmp_path)

    restored = tmp_path / "restored"
    assert (tmp_path / "before-upgrade.backup").stat().st_size > 0
    assert "Nothing waits in cpu, api." in output
    assert (restored / "secret_key").read_text() == (tmp_path / "home" / "secret_key").read_text()
    assert (restored / "database_password").read_text() != (
        tmp_path / "home" / "database_password"
    ).read_text()
