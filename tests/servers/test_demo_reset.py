"""`lungrater demo reset` on a home of its own: nobody else's work is thrown away, and what is demo is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers.sites import lungrater

pytestmark = [pytest.mark.e2e, pytest.mark.walk]
LOAD = "from lungrater.demo import build; build.load()"


def test_only_the_demo_is_thrown_away_and_the_keys_stay(tmp_path: Path) -> None:
    home = tmp_path / "home"
    nothing_there = lungrater(home, "demo", "reset", "--yes")
    assert nothing_there.returncode == 1
    assert "`lungrater up` builds the demo there" in nothing_there.stderr
    assert lungrater(home, "shell", "-v", "0", "-c", LOAD).returncode == 0
    key = (home / "secret_key").read_text()
    (home / "media" / "an image").write_bytes(b"x")
    (home / "uploads").mkdir(exist_ok=True)
    (home / "analysis" / "1").mkdir(parents=True)

    unanswered = lungrater(home, "demo", "reset")
    assert (unanswered.returncode, (home / "postgres").exists()) == (1, True)

    thrown_away = lungrater(home, "demo", "reset", "--yes")

    assert thrown_away.returncode == 0, thrown_away.stderr
    assert "4 datasets, 0 studies, 0 ratings" in thrown_away.stdout
    assert not (home / "postgres").exists()
    assert not (home / "media" / "an image").exists()
    assert not (home / "uploads").exists()
    assert not (home / "analysis").exists()
    assert (home / "secret_key").read_text() == key
    person = lungrater(home, "person", "new@example.org", "--role", "researcher")
    assert person.returncode == 0, person.stderr

    refused = lungrater(home, "demo", "reset", "--yes")

    assert refused.returncode == 2
    assert "1 accounts in it are of no made-up people" in refused.stderr
    assert (home / "postgres" / "PG_VERSION").exists()
