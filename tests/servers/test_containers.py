"""The container files run what `lungrater up` runs; no engine is at hand, so they are read, not run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from lungrater.embedded import commands

REPOSITORY = Path(__file__).resolve().parents[2]
SCHEDULE = Path("/data/run/beat-schedule")


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"])


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
    assert services["worker"]["command"] == [
        "lungrater",
        "worker",
        "--queues",
        ",".join(commands.HEAVY_QUEUES),
    ]


def test_the_image_starts_web_by_itself() -> None:
    [command] = re.findall(r"^CMD (.*)$", (REPOSITORY / "Dockerfile").read_text(), re.MULTILINE)

    assert json.loads(command) == inside(commands.web(bind="0.0.0.0:8000"))


def test_every_container_of_ours_has_the_environment_that_a_site_needs() -> None:
    needed = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ALLOWED_HOSTS", "LUNGRATER_HOME", "STORAGE_URL"}

    for name in ("migrate", "web", "light", "worker", "beat"):
        assert needed <= compose()[name]["environment"].keys(), name


def test_only_the_worker_that_asks_the_api_holds_the_paid_key() -> None:
    assert {
        name for name, service in compose().items() if "OPENAI_API_KEY" in service.get("environment", {})
    } == {"light"}
