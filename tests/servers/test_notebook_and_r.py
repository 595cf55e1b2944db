"""The notebook and the R script of the documentation, run as they stand beside a live site; raters answer over HTTP."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image as Pillow

from lungrater.client import Client
from tests.factories import make_pixels
from tests.servers.reading_site import Reader, answer
from tests.servers.sites import REPOSITORY, Site, site
from tests.servers.test_first_hour_by_client import told_by

pytestmark = pytest.mark.external
SCRIPTS = REPOSITORY / "docs" / "notebooks"
COUNT = 6
ANSWERS = (["real", "fake", "unsure"] * COUNT, ["fake", "real", "fake"] * COUNT)
OPENS_WITHIN = 120.0


@dataclass(frozen=True)
class Bench:
    """A site, its researcher's tokens and two folders of images."""

    site: Site
    keys: dict[str, str]
    images: Path


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("scripts")
    for number in range(2 * COUNT):
        path = folder / "images" / ("real", "fake")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Pillow.fromarray(make_pixels(side=64, seed=number)).save(path)
    with site(folder / "home") as running:
        yield Bench(running, told_by(running, "make_tokens()"), folder / "images")


def test_the_notebook_computes_the_numbers_of_the_site_a_second_way(bench: Bench, tmp_path: Path) -> None:
    script = tmp_path / "notebook.py"
    script.write_text(code_of(SCRIPTS / "reading-study.ipynb"), encoding="utf-8")

    output = read_beside(bench, [sys.executable, str(script)], "Chest films, from a notebook")

    assert "kappa" in output


def test_the_r_script_does_too(bench: Bench) -> None:
    if not has_httr2():
        pytest.skip("R with httr2 and jsonlite is not installed here")

    output = read_beside(bench, ["Rscript", str(SCRIPTS / "reading-study.R")], "Chest films, from R")

    assert "kappa" in output


def code_of(notebook: Path) -> str:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def has_httr2() -> bool:
    if shutil.which("Rscript") is None:
        return False
    words = ["Rscript", "-e", "library(httr2); library(jsonlite)"]
    return subprocess.run(words, capture_output=True, timeout=60, check=False).returncode == 0


def read_beside(bench: Bench, command: list[str], study: str) -> str:
    """What the script prints, while two raters answer the study that it opens."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "LUNGRATER_URL": bench.site.url,
        "LUNGRATER_TOKEN": bench.keys["token"],
        "LUNGRATER_ACT_TOKEN": bench.keys["act"],
        "LUNGRATER_IMAGES": str(bench.images),
        "LUNGRATER_PAUSE": "0.5",
    }
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            answer_once_open(bench, study, process)
            output, _ = process.communicate(timeout=OPENS_WITHIN)
        finally:
            process.kill()
    assert process.returncode == 0, output
    return output


def answer_once_open(bench: Bench, study: str, process: subprocess.Popen[str]) -> None:
    client = Client(bench.site.url, bench.keys["token"])
    deadline = time.monotonic() + OPENS_WITHIN
    while not (slugs := [row["slug"] for row in client.transport.pages("/studies") if is_open(row, study)]):
        if process.poll() is not None:
            return  # what it printed says why
        assert time.monotonic() < deadline, "the study never opened"
        time.sleep(0.3)
    readers = [Reader(**each) for each in told_by(bench.site, f"make_readers({slugs[0]!r})")]
    for reader, labels in zip(readers, ANSWERS, strict=True):
        for path, label in zip(reader.paths, labels, strict=False):
            assert answer(bench.site.port, reader, path, label) == 200


def is_open(row: dict[str, object], study: str) -> bool:
    return (row["name"], row["state"]) == (study, "open")
