"""The container files run what `lungrater up` runs; no engine is at hand, so they are read, not run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.reference.environment import variables_read
from lungrater.embedded import commands

REPOSITORY = Path(__file__).resolve().parents[2]
SCHEDULE = Path("/data/run/beat-schedule")


def whole_file() -> dict[str, Any]:
    return dict(yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text()))


def compose() -> dict[str, Any]:
    return dict(whole_file()["services"])


def inside(argv: list[str]) -> list[str]:
    return ["python", *argv[1:]]


def test_containers_run_the_commands_of_up() -> None:
    services = compose()

    assert services["web"]["command"] == inside(commands.web(bind="0.0.0.0:8000"))
    assert services["beat"]["command"] == inside(commands.beat(schedule=SCHEDULE))
    assert services["light"]["command"] == [
        "lungrater",
        "worker",
        "--queues",
        ",".join(commands.LIGHT_QUEUES),
    ]
    for heavy, queues in (("worker", commands.SAMPLING_QUEUES), ("trainer", commands.TRAINING_QUEUES)):
        for name in (heavy, f"gpu-{heavy}"):
            assert services[name]["command"] == ["lungrater", "worker", "--queues", ",".join(queues)]


def test_the_image_starts_web_by_itself() -> None:
    [command] = re.findall(r"^CMD (.*)$", (REPOSITORY / "Dockerfile").read_text(), re.MULTILINE)

    assert json.loads(command) == inside(commands.web(bind="0.0.0.0:8000"))


OURS = ("migrate", "web", "light", "worker", "trainer", "gpu-worker", "gpu-trainer", "beat")
OF_OTHERS = {"HOME", "AWS_SHARED_CREDENTIALS_FILE"}


def names(service: dict[str, Any]) -> set[str]:
    """The variables it is handed, whether as they are or in a file."""
    return {name.removesuffix("_FILE") for name in service["environment"]}


@pytest.mark.parametrize("name", OURS)
def test_every_container_of_ours_has_the_environment_that_a_site_needs(name: str) -> None:
    needed = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ALLOWED_HOSTS", "LUNGRATER_HOME", "STORAGE_URL"}

    assert needed <= names(compose()[name])


@pytest.mark.parametrize("name", OURS)
def test_a_container_is_handed_only_what_the_code_reads(name: str) -> None:
    assert names(compose()[name]) - OF_OTHERS <= set(variables_read())


@pytest.mark.parametrize("name", OURS)
def test_a_secret_is_a_file_of_this_container_and_never_a_variable(name: str) -> None:
    service = compose()[name]
    files = {path for variable, path in service["environment"].items() if variable.endswith("_FILE")}

    assert files == {f"/run/secrets/{secret}" for secret in service["secrets"]}
    assert not {"DATABASE_URL", "SECRET_KEY", "EMAIL_URL", "METRICS_TOKEN"} & service["environment"].keys()


def test_each_key_is_held_by_the_one_container_that_needs_it() -> None:
    def holders(secret: str) -> set[str]:
        return {name for name, service in compose().items() if secret in service.get("secrets", [])}

    assert holders("openai_api_key") == holders("backup_passphrase") == {"light"}
    assert holders("database_owner_url") == {"migrate"}
    assert holders("metrics_token") == {"web", "prometheus"}


def test_every_secret_is_written_by_the_script_and_stays_as_it_is(tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / "deploy" / "make-secrets", tmp_path)
    wanted = {Path(secret["file"]).name for secret in whole_file()["secrets"].values()}

    subprocess.run([tmp_path / "make-secrets"], check=True, capture_output=True)
    first = {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}
    subprocess.run([tmp_path / "make-secrets"], check=True, capture_output=True)

    assert first.keys() == wanted
    assert first == {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}
    assert not any(text.endswith("\n") for text in first.values())
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0


def test_every_container_but_the_database_has_a_root_that_nobody_writes() -> None:
    confined = {name for name, service in compose().items() if service.get("read_only")}

    assert compose().keys() - confined == {"postgres"}
    assert all(service["mem_limit"] for service in compose().values())
    assert all(compose()[name]["cap_drop"] == ["ALL"] for name in confined)


def test_every_file_that_is_mounted_is_here() -> None:
    mounts = [mount for service in compose().values() for mount in service.get("volumes", [])]
    sources = {mount.split(":")[0] for mount in mounts}

    assert all((REPOSITORY / source).exists() for source in sources if source.startswith("./"))
    assert {source for source in sources if not source.startswith("./")} == whole_file()["volumes"].keys()


def test_images_in_a_bucket_change_every_container_of_ours_and_no_other() -> None:
    beside = yaml.safe_load((REPOSITORY / "deploy" / "s3.yml").read_text())["services"]

    assert beside.keys() == set(OURS)
    assert all(
        names(service) - {"AWS_SHARED_CREDENTIALS"} <= set(variables_read()) for service in beside.values()
    )
