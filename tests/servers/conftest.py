"""One whole site for all tests of jobs on real workers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.generation.images_api import ImagesAPI, serving
from tests.prepared_tables import home_with_tables
from tests.servers.sites import Site, site


@pytest.fixture(scope="package")
def api() -> Iterator[ImagesAPI]:
    with serving() as server:
        yield server


@pytest.fixture(scope="package")
def running_site(tmp_path_factory: pytest.TempPathFactory, api: ImagesAPI) -> Iterator[Site]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "sk-canary-on-real-workers")
        patch.setenv("OPENAI_BASE_URL", api.url)
        with site(home_with_tables(tmp_path_factory.mktemp("faults"))) as running:
            yield running
