"""The drill: a site is backed up while raters rate, restored elsewhere, verified, and read on."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from lungrater.backup.archive import ArchiveWriter, members, verified_manifest
from lungrater.embedded import postgres
from lungrater.embedded.home import Home
from tests.prepared_tables import home_with_tables
from tests.servers.reading_site import (
    IMAGES,
    Rating,
    Reader,
    answer,
    files_below,
    fill,
    named_files_below,
    rated_tokens,
    revisions,
)
from tests.servers.sites import LIGHT, Site, lungrater, site

pytestmark = pytest.mark.e2e

PASSPHRASE = "a passphrase of the drill"
LAST = 5
"""Images of each rater that are left for the restored site."""


class Backup:
    def __init__(self, file: Path, facts: dict[str, Any], acknowledged: int) -> None:
        self.file, self.facts, self.acknowledged = file, facts, acknowledged


@pytest.fixture(scope="module", autouse=True)
def passphrase() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BACKUP_PASSPHRASE", PASSPHRASE)
        yield


@pytest.fixture(scope="module")
def running_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(home_with_tables(tmp_path_factory.mktemp("backup")), *LIGHT) as running:
        yield running


@pytest.fixture(scope="module")
def readers(running_site: Site) -> list[Reader]:
    return fill(running_site.home)


@pytest.fixture(scope="module")
def backup(running_site: Site, readers: list[Reader], tmp_path_factory: pytest.TempPathFactory) -> Backup:
    """Taken between two answers of each rater."""
    file = tmp_path_factory.mktemp("taken") / "site.backup"
    enough = threading.Event()
    rating = [Rating(running_site.port, reader, reader.paths[:-LAST], enough) for reader in readers]
    for thread in rating:
        thread.start()
    for thread in rating:
        assert thread.begun.wait(60)
    done = lungrater(running_site.home, "backup", str(file), "--json")
    enough.set()
    for thread in rating:
        thread.join(60)
    assert done.returncode == 0, done.stderr
    return Backup(file, json.loads(done.stdout), sum(thread.acknowledged for thread in rating))


def test_a_restored_site_is_the_site_of_one_moment_and_is_read_on(
    running_site: Site, readers: list[Reader], backup: Backup, tmp_path: Path
) -> None:
    home = tmp_path / "restored"

    done = lungrater(home, "restore", str(backup.file), "--json")

    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["discrepancies"] == facts["missing"] == []
    assert facts["tables"] == backup.facts["tables"]
    assert 10 <= facts["tables"]["rating_ratingrevision"] <= backup.acknowledged
    assert named_files_below(home / "media") == named_files_below(running_site.home / "media")
    assert files_below(home / "models") == files_below(running_site.home / "models")
    assert (home / "secret_key").read_text() == (running_site.home / "secret_key").read_text()
    with site(home, *LIGHT) as again:
        restored, original = (revisions(postgres.owner_url(Home(each))) for each in (home, running_site.home))
        assert len(restored) == facts["tables"]["rating_ratingrevision"]
        assert restored.items() <= original.items()
        assert again.health() == (200, [])
        rated = rated_tokens(postgres.owner_url(Home(home)))
        rest = [(each, path) for each in readers for path in each.paths if path.split("/")[-2] not in rated]
        assert {answer(again.port, reader, path) for reader, path in rest} == {200}
        assert len(revisions(postgres.owner_url(Home(home)))) == 2 * 2 * IMAGES
        assert lungrater(home, "verify").returncode == 0
    assert "backed up the site" in actions(running_site.home)
    assert "restored the site" in actions(home)


def unwatched(_count: int) -> None:
    pass


def actions(home: Path) -> list[str]:
    words = "from audit.models import Event; print(*Event.objects.values_list('action', flat=True), sep=',')"
    return lungrater(home, "shell", "-v", "0", "-c", words).stdout.strip().split(",")


@pytest.mark.parametrize("place", [0.1, 0.5, 0.99])
def test_one_wrong_byte_is_refused_and_the_home_is_not_touched(
    backup: Backup, tmp_path: Path, place: float
) -> None:
    damaged = tmp_path / "damaged.backup"
    content = bytearray(backup.file.read_bytes())
    content[int(place * len(content))] ^= 1
    damaged.write_bytes(content)

    done = lungrater(tmp_path / "home", "restore", str(damaged))

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.strip() == (
        f"{damaged} is damaged: its content is not what was written. Take another copy."
    )
    assert not (tmp_path / "home").exists()


def test_a_cut_file_is_refused(backup: Backup, tmp_path: Path) -> None:
    cut = tmp_path / "cut.backup"
    shutil.copy(backup.file, cut)
    os.truncate(cut, cut.stat().st_size - 100)

    done = lungrater(tmp_path / "home", "restore", str(cut))

    assert done.returncode == 2
    assert done.stderr.strip() == f"{cut} is no backup of LungRater, or its end is cut off."
    assert not (tmp_path / "home").exists()


def test_a_backup_of_a_newer_version_is_refused(backup: Backup, tmp_path: Path) -> None:
    newer = tmp_path / "newer.backup"
    manifest = verified_manifest(backup.file, unwatched)
    with newer.open("wb") as file:
        archive = ArchiveWriter(file, unwatched)
        for name, size, content in members(backup.file, manifest):
            archive.add(name, content, size)
        archive.finish(replace(manifest, migrations=[*manifest.migrations, "rating.9999_of_next_year"]))

    done = lungrater(tmp_path / "home", "restore", str(newer))

    assert done.returncode == 2
    assert done.stderr.strip() == (
        "This backup was made by a newer LungRater (it has rating.9999_of_next_year, which this one does not know): "
        "restore it with that version."
    )
    assert not (tmp_path / "home").exists()


def test_a_home_that_has_a_site_is_refused(running_site: Site, backup: Backup) -> None:
    done = lungrater(running_site.home, "restore", str(backup.file))

    assert done.returncode == 2
    assert done.stderr.strip() == f"{running_site.home} has a site already: name an empty LUNGRATER_HOME."


def test_another_passphrase_is_refused(
    backup: Backup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKUP_PASSPHRASE", "another")

    done = lungrater(tmp_path / "home", "restore", str(backup.file))

    assert done.returncode == 2
    assert done.stderr.strip() == "The passphrase does not open the secret key of this backup."
    assert not (tmp_path / "home").exists()


def test_a_restore_that_fails_leaves_the_home_as_empty_as_before(backup: Backup, tmp_path: Path) -> None:
    """The sums of this file are right and its database is none, which comes to light only when it is loaded."""
    broken = tmp_path / "broken.backup"
    manifest = verified_manifest(backup.file, unwatched)
    with broken.open("wb") as file:
        archive = ArchiveWriter(file, unwatched)
        for name, size, content in members(backup.file, manifest):
            archive.add(name, BytesIO(bytes(size)) if name == "database.dump" else content, size)
        archive.finish(manifest)
    home = tmp_path / "home"
    home.mkdir()

    done = lungrater(home, "restore", str(broken))

    assert done.returncode == 1
    assert done.stderr.startswith("The database could not be written: ")
    assert len(done.stderr.strip().splitlines()) == 1
    assert list(home.iterdir()) == []
