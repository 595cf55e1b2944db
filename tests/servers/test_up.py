"""`lungrater up` as a person meets it: real processes on one home, in the order of a working day."""

from __future__ import annotations

import os
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import psutil
import psycopg
import pytest

from lungrater.embedded import postgres
from lungrater.embedded.home import Home
from tests.servers.sites import Site, free_port, lungrater, site

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("site") / "home"


@pytest.fixture(scope="module")
def running_site(home: Path) -> Iterator[Site]:
    with site(home) as running:
        yield running


def test_everything_answers_once_the_screen_is_printed(running_site: Site) -> None:
    assert running_site.health() == (200, [])


def test_requests_are_counted_over_all_web_processes_whoever_answers(running_site: Site) -> None:
    def counted() -> float:
        with urlopen(f"{running_site.url}metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        count = 'lungrater_request_seconds_count{method="GET",status="200",view="livez"}'
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(count))

    before = counted()

    for _ in range(40):
        with urlopen(f"{running_site.url}livez", timeout=5) as answer:
            assert answer.status == 200

    assert counted() == before + 40


def test_the_home_is_closed_to_other_people(running_site: Site) -> None:
    readable = stat.S_IRWXG | stat.S_IROTH | stat.S_IWOTH

    assert not running_site.home.stat().st_mode & readable
    assert not (running_site.home / "secret_key").stat().st_mode & readable


def test_a_second_up_on_the_same_home_names_the_first(running_site: Site) -> None:
    second = lungrater(running_site.home, "up", "--no-demo", "--port", str(free_port()))

    assert second.returncode == 1
    assert second.stderr.strip() == (
        f"LungRater already runs on {running_site.home}: open {running_site.url}, "
        f"or stop it first (process {running_site.process.pid})."
    )


def test_a_command_beside_up_uses_its_servers(running_site: Site) -> None:
    before = services(running_site)

    beside = lungrater(
        running_site.home,
        "shell",
        "-v",
        "0",
        "-c",
        "print(__import__('accounts.models').models.User.objects.count())",
    )

    assert (beside.returncode, beside.stdout.strip()) == (0, "0"), beside.stderr
    assert services(running_site) == before


def services(site: Site) -> list[psutil.Process]:
    """The site's processes, but for those that PostgreSQL starts and ends as it likes, such as autovacuum's."""
    postmaster = psutil.Process(site.pid_of("postgres"))
    return [each for each in site.everything() if each.ppid() != postmaster.pid]


def test_a_link_from_the_command_line_leads_to_where_the_site_runs(running_site: Site) -> None:
    command = lungrater(running_site.home, "person", "new@example.org", "--role", "researcher")

    assert command.stdout.startswith(f"{running_site.url}enter/"), command.stderr


@pytest.mark.parametrize("victim", ["web", "postgres", "worker-light", "worker-1", "redis"])
def test_a_killed_part_is_back_by_itself(running_site: Site, victim: str) -> None:
    killed = running_site.pid_of(victim)
    os.kill(killed, signal.SIGKILL)

    seconds = running_site.wait_until_back(victim, killed)

    assert seconds < 20


def test_ctrl_c_leaves_no_process_and_the_next_start_has_the_same_data(
    home: Path, running_site: Site
) -> None:
    with psycopg.connect(postgres.owner_url(Home(home))) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")

    code, output = running_site.stop(signal.SIGINT)
    assert code == 0
    assert "Nothing is lost" in output

    with site(home, "--workers", "2") as again:
        with psycopg.connect(postgres.owner_url(Home(home))) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
        assert psutil.pid_exists(again.pid_of("worker-2"))
        assert again.stop(signal.SIGTERM)[0] == 0


@pytest.mark.recovery
def test_after_kill_9_nothing_runs_on_and_the_next_command_works(home: Path) -> None:
    with site(home) as killed:
        left = killed.everything()
        killed.process.kill()
        killed.process.wait()
        _, alive = psutil.wait_procs(left, timeout=10)
        assert not alive

    alone = lungrater(home, "migrate", "--check")

    assert alone.returncode == 0, alone.stderr
    assert not (home / "postgres" / "postmaster.pid").exists()


def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        refused = lungrater(tmp_path / "home", "up", "--port", str(port))

    assert refused.returncode == 1
    assert refused.stderr.strip() == (
        f"Port {port} on 127.0.0.1 is in use: stop what uses it, or choose another with --port."
    )
    assert not (tmp_path / "home" / "postgres").exists()


def test_a_home_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("in the way")

    refused = lungrater(tmp_path / "home", "up")

    assert refused.returncode == 1
    assert refused.stderr.strip() == (
        f"LungRater cannot write to its home {tmp_path / 'home'} (File exists): "
        "free it, or name another folder in LUNGRATER_HOME."
    )


@pytest.mark.parametrize(
    "arguments", [["import", "--help"], ["agreement", "--help"], ["up", "--port", "many"]]
)
def test_help_and_typing_errors_start_nothing(tmp_path: Path, arguments: list[str]) -> None:
    done = lungrater(tmp_path / "home", *arguments)

    assert done.returncode == (0 if "--help" in arguments else 2)
    assert not (tmp_path / "home").exists()
