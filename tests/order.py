"""Side by side, long files come first, so that at the end no process waits for the last file of another."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In each process of xdist alike: real sites and browsers, then what walks every address, then the rest."""
    if not hasattr(config, "workerinput"):
        return
    on_real_sites = {item.path for item in items if item.get_closest_marker("e2e")}
    top = config.rootpath / "tests"

    def turn(item: pytest.Item) -> int:
        return 0 if item.path in on_real_sites else 1 if item.path.parent == top else 2

    items.sort(key=turn)
