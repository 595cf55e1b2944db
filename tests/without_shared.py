"""`pytest --without-shared` leaves out the tests that need ../shared, and says how many; else these fail where it is absent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
OPTION = "--without-shared"
LEFT_OUT = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        OPTION, action="store_true", help="leave out the tests that need ../shared beside the repository"
    )


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real images and hostile files that stand beside the repository, never in it."""
    if not SHARED_DATA.is_dir():
        pytest.fail(f"There is no {SHARED_DATA}: put it there, or leave its tests out with {OPTION}.")
    return SHARED_DATA


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption(OPTION):
        return
    needing = [item for item in items if "shared_data" in getattr(item, "fixturenames", ())]
    config.stash[LEFT_OUT] = len(needing)
    config.hook.pytest_deselected(items=needing)
    items[:] = [item for item in items if item not in needing]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of xdist tells the process that prints the summary."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[OPTION] = session.config.stash.get(LEFT_OUT, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Every worker collects all tests, so that one of them speaks for all."""
    node.config.stash[LEFT_OUT] = getattr(node, "workeroutput", {}).get(OPTION, 0)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if config.getoption(OPTION):
        number = config.stash.get(LEFT_OUT, 0)
        terminalreporter.write_sep("=", f"{OPTION} left out {number} tests that need ../shared")
