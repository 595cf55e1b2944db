"""A whole site that reports to a Sentry server: an error of a web process and one of a worker, without a word."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.generation.images_api import ImagesAPI
from tests.lungrater.sentry_server import SentryServer, sentry_server
from tests.prepared_tables import home_with_tables
from tests.servers.reading_site import answer, fill
from tests.servers.sites import Site, Table, environment, site
from tests.servers.test_job_faults import queue

pytestmark = [pytest.mark.e2e, pytest.mark.external]

REPORTED_WITHIN = 60.0
REMARK, PROMPT, KEY = "canary-remark", "canary-prompt", "sk-canary-key"
EMAIL, NAME = "canary-mail@example.org", "Canaryname"
# The database refuses what is to be saved, and quotes all of it.
FAILS_ALOUD = """
CREATE FUNCTION fail_aloud() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'went wrong over %% for %%', row_to_json(NEW), (SELECT json_agg(person) FROM accounts_user person);
END $$
"""
BREAKS = "CREATE TRIGGER fail_aloud BEFORE INSERT ON {} FOR EACH ROW EXECUTE FUNCTION fail_aloud()"
PROMPTED = {
    "engine": "openai",
    "api_model": "dall-e-2",
    "prompt": PROMPT,
    "total": 1,
    "into": "Drawn elsewhere",
    "settings": {"size": "256x256"},
    "price": "0.016",
}


def events_of(sentry: SentryServer, number: int) -> list[dict[str, Any]]:
    """Once so many have come."""
    deadline = time.monotonic() + REPORTED_WITHIN
    while len(sentry.events()) < number:
        assert time.monotonic() < deadline, sentry.events()
        time.sleep(0.1)
    return sentry.events()


def break_on_a_save(running: Site) -> Table:
    """Whoever saves a rating or a generated image of this site meets an error of the database; the table of jobs."""
    reader_named = "UPDATE accounts_user SET email = %s, last_name = %s WHERE email = 'reader1@example.org'"
    table = Table(running)
    table.rows(reader_named, EMAIL, NAME)
    table.rows(FAILS_ALOUD)
    for name in ("rating_rating", "generation_generatedimage"):
        table.rows(BREAKS.format(name))
    return table


def test_errors_of_a_web_process_and_of_a_worker_arrive_without_what_people_typed(
    tmp_path: Path, api: ImagesAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", api.url)
    home = home_with_tables(tmp_path)

    with (
        sentry_server() as sentry,
        site(home, env={**environment(home), "SENTRY_DSN": sentry.dsn}) as running,
    ):
        reader = fill(home, images=1)[0]
        table = break_on_a_save(running)
        status = answer(running.port, reader, reader.paths[0], "fake", remark=REMARK)
        [job] = queue(running, PROMPTED)
        table.wait(job, lambda row: row[0] == "failed", REPORTED_WITHIN)
        of_request, of_job = sorted(events_of(sentry, 2), key=lambda event: "job" in event["tags"])
        kept_here = table.job(job)[3]

    assert status == 500
    assert (of_request["tags"]["view"], of_job["tags"]["job"]) == ("rating:rate", str(job))
    assert [event["exception"]["values"][0]["type"] for event in (of_request, of_job)] == [
        "RaiseException"
    ] * 2
    assert PROMPT in kept_here  # so the words were there to be told
    sent = b"".join(sentry.bodies)
    assert [word for word in (REMARK, PROMPT, KEY, EMAIL, NAME) if word.encode() in sent] == []
