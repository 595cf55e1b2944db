"""`pip install lungrater`, then `lungrater up` in an empty folder."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener, urlopen

import pytest
import yaml

from lungrater.embedded import postgres, redis
from lungrater.embedded.home import Home
from tests.e2e.browser import until
from tests.servers.installation import Installation, build_wheel, install
from tests.servers.sites import REPOSITORY, Site, free_port, site

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


@pytest.fixture
def container_of_web(installed: Installation, running_site: Site, tmp_path: Path) -> Iterator[Container]:
    """The web service of the compose file: its command, its environment and its secrets, run from the wheel."""
    site_database, broker = postgres.url(Home(running_site.home)), redis.url(Home(running_site.home))
    secrets = {
        "database_url": site_database,
        "secret_key": "k" * 60,
        "email_url": "dummymail://",
        "metrics_token": "word",
    }
    for name, text in secrets.items():
        (tmp_path / name).write_text(text)
    service = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"]["web"]
    values = {
        name: re.sub(r"\$\{\w+:?-?(.*?)\}", r"\1", str(value)).replace("/run/secrets", str(tmp_path))
        for name, value in service["environment"].items()
    }
    ours = {
        "REDIS_URL": broker,
        "ALLOWED_HOSTS": "127.0.0.1,web",
        "LUNGRATER_HOME": str(tmp_path),
        "BACKUP_URL": "",
    }
    yield from serving(Container(service, {**installed.variables, **values, **ours}, installed, free_port()))


@dataclass(frozen=True)
class Container:
    service: dict[str, Any]
    variables: dict[str, str]
    installed: Installation
    port: int

    def argv(self, words: list[str]) -> list[str]:
        """Of the installed Python, and on loopback alone."""
        here = [
            word.replace("0.0.0.0:8000", f"127.0.0.1:{self.port}").replace(":8000/", f":{self.port}/")
            for word in words
        ]
        return [str(self.installed.environment / "bin" / here[0]), *here[1:]]

    def is_well(self) -> bool:
        kind, *words = self.service["healthcheck"]["test"]
        assert kind == "CMD"
        return (
            subprocess.run(self.argv(words), env=self.variables, capture_output=True, check=False).returncode
            == 0
        )


def serving(container: Container) -> Iterator[Container]:
    argv = container.argv(container.service["command"])
    with subprocess.Popen(
        argv, cwd=container.installed.folder, env=container.variables, stderr=subprocess.PIPE
    ) as web:
        try:
            until(container.is_well)
            yield container
        finally:
            web.terminate()
            web.communicate(timeout=20)


def test_the_web_container_serves_in_production_with_its_secrets_in_files(
    container_of_web: Container,
) -> None:
    address = f"http://127.0.0.1:{container_of_web.port}"

    with urlopen(f"{address}/readyz", timeout=10) as ready:
        assert ready.status == 200
    with pytest.raises(HTTPError, match="404"):
        urlopen(f"{address}/metrics", timeout=10)
    scraper = Request(f"{address}/metrics", headers={"Host": "web", "Authorization": "Bearer word"})
    with urlopen(scraper, timeout=10) as numbers:
        assert b"lungrater_database_up 1" in numbers.read()
    behind_tls = Request(f"{address}/accounts/login/", headers={"X-Forwarded-Proto": "https"})
    with urlopen(behind_tls, timeout=10) as page:
        assert "includeSubDomains" not in page.headers["Strict-Transport-Security"]


@pytest.mark.skipif(not shutil.which("caddy"), reason="caddy is not installed")
def test_caddy_serves_the_site_by_its_file_and_keeps_the_numbers_in(
    container_of_web: Container, tmp_path: Path
) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    upstream = f"127.0.0.1:{container_of_web.port}"
    variables = {**os.environ, "HOME": str(tmp_path), "SITE_ADDRESS": address, "UPSTREAM": upstream}
    file = tmp_path / "Caddyfile"
    file.write_text("{\n\tadmin off\n}\n" + (REPOSITORY / "deploy" / "Caddyfile").read_text())
    argv = ["caddy", "run", "--adapter", "caddyfile", "--config", str(file)]

    with subprocess.Popen(argv, env=variables, stderr=subprocess.DEVNULL) as caddy:
        try:
            until(lambda: status(f"{address}/livez") == 200)
            assert (
                status(f"{address}/accounts/login/") == 301
            )  # this proxy speaks no TLS, and the site insists on it
            assert status(f"{address}/metrics", Authorization="Bearer word") == 404
        finally:
            caddy.terminate()
            caddy.wait(timeout=20)


class NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def status(url: str, **headers: str) -> int:
    try:
        with build_opener(NoRedirect).open(Request(url, headers=headers), timeout=10) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code
    except OSError:
        return 0
