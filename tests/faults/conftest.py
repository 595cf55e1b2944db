"""One site for all faults, with a study that is being read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from lungrater.embedded import postgres
from lungrater.embedded.home import Home
from tests.prepared_tables import home_with_tables
from tests.servers.reading_site import Reader, fill
from tests.servers.sites import Site, site

IMAGES = 40


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that stands in this folder starts servers and breaks them."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.faults)


@dataclass
class Room:
    """A running site, one of its readers, and the images that nobody has rated yet."""

    site: Site
    reader: Reader
    paths: list[str]
    database: str = field(init=False)

    def __post_init__(self) -> None:
        self.database = postgres.owner_url(Home(self.site.home))

    def next_path(self) -> str:
        """Where the answer on the next image goes; each is taken once."""
        return self.paths.pop(0)

    def ratings_of(self, path: str) -> int:
        query = (
            "SELECT count(*) FROM rating_rating JOIN rating_presentation presentation "
            "ON presentation.id = presentation_id WHERE presentation.token = %s"
        )
        with psycopg.connect(self.database, connect_timeout=10) as connection:
            row = connection.execute(query, [path.split("/")[-2]]).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture(scope="package")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEB_STATEMENT_SECONDS", "4")
        patch.setenv("WEB_CONCURRENCY", "2")
        with site(home_with_tables(tmp_path_factory.mktemp("room"))) as running:
            reader = fill(running.home, images=IMAGES)[0]
            yield Room(running, reader, list(reader.paths))
