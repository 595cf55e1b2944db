"""What watches a site and stands in front of it, read by the programs it is for where they are installed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from django.test import Client

from lungrater.monitoring.signs_of_life import BACKUP, BEAT, SignOfLife
from tests.generation.makers import make_job
from tests.servers.sites import REPOSITORY

DEPLOY = REPOSITORY / "deploy"
ALERTS, BOARD = DEPLOY / "alerts.yml", DEPLOY / "grafana" / "boards" / "lungrater.json"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
METRIC = re.compile(r"\blungrater_[a-z_]+\b")


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not shutil.which(program), reason=f"{program} is not installed")


def expressions() -> list[str]:
    rules = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
    panels = json.loads(BOARD.read_text())["panels"]
    return [rule["expr"] for rule in rules] + [
        target["expr"] for panel in panels for target in panel["targets"]
    ]


@pytest.mark.django_db
def test_every_number_that_a_rule_or_the_board_asks_for_is_exported() -> None:
    make_job(engine="phantom", total=1)
    for part in (BEAT, BACKUP):
        SignOfLife.note(part)
    Client().get("/livez")

    page = Client().get("/metrics").content.decode()

    exported = set(re.findall(r"^(lungrater_\w+)", page, re.MULTILINE))
    asked = {name for expression in expressions() for name in METRIC.findall(expression)}
    assert asked <= exported
    assert {name for name in exported if not name.endswith(("_sum", "_created"))} == asked


def test_labels_that_rules_ask_for_are_those_of_the_site() -> None:
    text = " ".join(expressions())

    assert set(re.findall(r'part="(\w+)"', text)) == {BEAT, BACKUP}
    assert set(re.findall(r'view="([\w:]+)"', text)) == {"rating:rate"}


def test_prometheus_reads_the_token_and_the_rules_that_are_mounted() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
    prometheus = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"]["prometheus"]

    [scrape] = config["scrape_configs"]
    assert scrape["authorization"]["credentials_file"] == f"/run/secrets/{prometheus['secrets'][0]}"
    assert scrape["static_configs"] == [{"targets": ["web:8000"]}]
    assert config["rule_files"] == [ALERTS.name]


@needs("promtool")
def test_prometheus_itself_accepts_the_rules() -> None:
    done = subprocess.run(["promtool", "check", "rules", ALERTS], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


@needs("systemd-analyze")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_itself_accepts_the_units(unit: Path, tmp_path: Path) -> None:
    text = unit.read_text().replace(
        "/opt/lungrater/bin/lungrater", "/bin/true"
    )  # it wants the program to be there
    copy = tmp_path / unit.name
    copy.write_text(text)

    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True, check=False
    )

    assert (done.returncode, [line for line in done.stderr.splitlines() if unit.name in line]) == (0, [])
