"""`pip install lungrater`, then `lungrater up` in an empty folder."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.servers.installation import Installation, build_wheel, install
from tests.servers.sites import REPOSITORY, Site, site

pytestmark = pytest.mark.install


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(REPOSITORY, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return install(wheel, tmp_path_factory.mktemp("installed"))


@pytest.fixture(scope="module")
def running_site(installed: Installation) -> Iterator[Site]:
    home = installed.folder / "var"
    with site(
        home, program=[str(installed.program)], cwd=installed.folder, env=installed.variables
    ) as running:
        yield running


def files_of_the_repository(*folders: str) -> set[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *folders]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return {name for name in listed.stdout.splitlines() if (REPOSITORY / name).exists()}


def names_in(wheel: Path) -> set[str]:
    """Its files, but for pip's own and the documentation, which is there only where it was built before."""
    others = (".dist-info/", "lungrater/resources/docs/")
    return {name for name in zipfile.ZipFile(wheel).namelist() if not any(other in name for other in others)}


def test_the_wheel_has_every_file_of_the_packages_and_of_the_folders_at_the_top(wheel: Path) -> None:
    rooms = ("lungrater", "accounts", "audit", "jobs", "outbound", "pool", "generation", "rating")
    folders = ("templates", "static", "locale")
    resources = {f"lungrater/resources/{name}" for name in files_of_the_repository(*folders)}

    names = names_in(wheel)

    assert names == files_of_the_repository(*rooms) | resources
    assert {f"{room}/py.typed" for room in rooms} <= names


def test_the_image_is_built_from_all_that_the_wheel_needs(wheel: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for names, place in copies_of_the_wheel_stage():
        for name in names:
            if (REPOSITORY / name).is_dir():
                shutil.copytree(
                    REPOSITORY / name, source / place, ignore=shutil.ignore_patterns("__pycache__")
                )
            else:
                shutil.copy(REPOSITORY / name, source)

    of_the_image = build_wheel(source, tmp_path)

    assert names_in(of_the_image) == names_in(wheel)


def copies_of_the_wheel_stage() -> list[tuple[list[str], str]]:
    """The files and folders of each COPY line, and where it puts them."""
    stage = (REPOSITORY / "Dockerfile").read_text().split("\nFROM ")[1]
    words = [line.split()[1:] for line in stage.splitlines() if line.startswith("COPY ")]
    return [(names, place) for *names, place in words]


def test_the_installed_program_is_not_the_checkout(installed: Installation) -> None:
    place = installed.python("import lungrater; print(lungrater.__file__)")

    assert Path(place).is_relative_to(installed.environment)


def test_it_tells_its_own_version(installed: Installation, wheel: Path) -> None:
    assert installed.run("--version").stdout.strip() == wheel.name.split("-")[1] == "0.1.0"


def test_help_starts_nothing(installed: Installation) -> None:
    done = installed.run("import", "--help")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: lungrater import")


def test_up_in_an_empty_folder_serves_the_sign_in_page_its_stylesheet_and_its_languages(
    running_site: Site,
) -> None:
    german = Request(f"{running_site.url}accounts/login/", headers={"Accept-Language": "de"})
    with urlopen(german, timeout=10) as page:
        assert "Anmelden" in page.read().decode()
    with urlopen(f"{running_site.url}static/css/lungrater.css", timeout=10) as sheet:
        assert sheet.read() == (REPOSITORY / "static" / "css" / "lungrater.css").read_bytes()
    with urlopen(f"{running_site.url}readyz", timeout=10) as ready:
        assert ready.status == 200


def test_a_command_in_that_folder_uses_the_site_of_that_folder(
    installed: Installation, running_site: Site
) -> None:
    made = installed.run("person", "first@example.org", "--role", "admin")
    migrated = installed.run("migrate", "--check")

    assert made.stdout.startswith(f"{running_site.url}enter/"), made.stderr
    assert migrated.returncode == 0, migrated.stderr


def test_a_child_process_of_an_import_runs_from_the_installed_package(
    installed: Installation, running_site: Site
) -> None:
    image = installed.folder / "one.png"
    installed.python(
        "import numpy, PIL.Image as i; "
        f"i.fromarray(numpy.arange(65536, dtype='uint8').reshape(256, 256)).save({str(image)!r})"
    )

    done = installed.run(
        *("import", str(image), "--dataset", "D", "--origin", "real", "--modality", "xray", "--json")
    )

    assert json.loads(done.stdout)["imported"] == 1, done.stderr
