"""What a visitor of the repository reads first is true of the repository."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CODE_OF_CONDUCT.md",
    ".github/pull_request_template.md",
]
DECISIONS = sorted((REPOSITORY / "docs" / "decisions").glob("*.md"))
PATH = re.compile(r"`((?:[\w.-]+/)+[\w.-]*|[\w-]+\.(?:md|py|toml|cff))`")
WALKS = ("engine", "statistic", "export", "question type", "import layout", "language")
PLACEHOLDER = "LANGUAGE"


def read(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def project() -> dict[str, Any]:
    return dict(tomllib.loads(read("pyproject.toml"))["project"])


def workflow() -> dict[str, Any]:
    return dict(yaml.safe_load(read(".github/workflows/ci.yml")))


def targets_of_make() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))


@pytest.mark.parametrize(
    "page",
    [
        "CONTRIBUTING.md",
        "docs/house.md",
        "docs/security.md",
        *(f"docs/decisions/{page.name}" for page in DECISIONS),
    ],
)
def test_every_path_that_is_named_exists(page: str) -> None:
    paths = [path for path in PATH.findall(read(page)) if PLACEHOLDER not in path]
    here_or_at_the_top = [REPOSITORY, (REPOSITORY / page).parent]

    lost = [path for path in paths if not any((folder / path).exists() for folder in here_or_at_the_top)]

    assert lost in ([], ["../shared/data"])


def test_there_is_a_walk_for_each_kind_of_part() -> None:
    headings = re.findall(r"^## Add an? (.*)$", read("CONTRIBUTING.md"), re.MULTILINE)

    assert headings == list(WALKS)


def test_every_pinned_version_installs_on_the_lowest_python_there_may_be() -> None:
    """Debian 12's own is 3.11.2; its pip names such a version as one that there is not."""
    lowest = project()["requires-python"].removeprefix(">=")
    pins = [Requirement(line) for line in read("constraints.txt").splitlines() if "==" in line]
    wants = {}
    for pin in pins:
        with suppress(PackageNotFoundError):  # pinned for another system
            wants[pin.name] = metadata(pin.name)["Requires-Python"] or ""

    refusing = {name: want for name, want in wants.items() if not SpecifierSet(want).contains(f"{lowest}.0")}

    assert len(wants) > 100
    assert not refusing


@pytest.mark.parametrize("page", PAGES)
def test_every_make_that_is_named_is_a_target(page: str) -> None:
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", read(page), re.MULTILINE))

    assert named <= targets_of_make()


def test_one_version_stands_everywhere() -> None:
    version = project()["version"]

    assert yaml.safe_load(read("CITATION.cff"))["version"] == version
    headings = re.findall(
        r"^## (\S+) \((?:unreleased|\d{4}-\d\d-\d\d)\)$", read("CHANGELOG.md"), re.MULTILINE
    )
    assert headings[0] == version


def test_the_workflow_runs_targets_of_make_on_every_python_that_is_promised() -> None:
    jobs = workflow()["jobs"]
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    pythons = jobs["test"]["strategy"]["matrix"]["python"]

    assert {word for line in commands for word in re.findall(r"^make ([a-z-]+)", line)} <= targets_of_make()
    assert f">={pythons[0]}" == project()["requires-python"]
    assert {f"Programming Language :: Python :: {python}" for python in pythons} <= set(
        project()["classifiers"]
    )


def test_real_browsers_and_sites_are_left_out_of_make_test_alone_and_of_no_ci() -> None:
    markers = tomllib.loads(read("pyproject.toml"))["tool"]["pytest"]["ini_options"]["markers"]

    assert marks_left_out("unit") == {marker.partition(":")[0] for marker in markers}
    assert marks_left_out("unit") - marks_left_out("unit", "E2E=1") == {"e2e"}
    assert "make test E2E=1 " in read(".ci/run")
    assert "make unit E2E=1 " in read(".github/workflows/ci.yml")


def test_of_real_browsers_make_test_sees_a_raters_sitting_alone() -> None:
    texts = {
        path.name: path.read_text(encoding="utf-8") for path in (REPOSITORY / "tests").rglob("test_*.py")
    }

    assert {name for name, text in texts.items() if "open_browser" in text and "mark.e2e" not in text} == {
        "test_flow.py"
    }


def marks_left_out(*words: str) -> set[str]:
    plan = subprocess.run(
        ["make", "--dry-run", *words],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    [marks] = re.findall(r'-m "not \((.*)\)"', plan.stdout)
    return set(marks.split(" or "))


@pytest.mark.parametrize(
    "page", [page for page in DECISIONS if page.name != "index.md"], ids=lambda page: page.stem
)
def test_a_decision_has_its_reason_and_its_price_and_is_listed(page: Path) -> None:
    headings = re.findall(r"^## (.*)$", page.read_text(), re.MULTILINE)

    assert headings == ["Context", "Decision", "Consequences"]
    assert f"({page.name})" in read("docs/decisions/index.md")


def test_the_hooks_before_a_commit_run_programs_of_this_checkout() -> None:
    [local] = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    dependencies = " ".join(project()["optional-dependencies"]["dev"])

    programs = {hook["entry"].split()[0].removeprefix(".venv/bin/") for hook in local["hooks"]}

    assert programs == {"ruff", "djade", "lint-imports", "python"}
    assert all(name in dependencies for name in ("ruff", "djade", "import-linter", "pytest"))
