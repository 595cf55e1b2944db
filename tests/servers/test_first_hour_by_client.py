"""The README's first hour by `lungrater.client` alone, against a site of real processes; a rater answers over HTTP."""

from __future__ import annotations

import io
import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from PIL import Image as Pillow

from lungrater.client import Client, ProblemError
from tests.factories import make_pixels
from tests.servers.reading_site import Reader, answer
from tests.servers.sites import Site, lungrater, site

pytestmark = pytest.mark.walk
RATER = "rater@example.org"
COUNT = 4


def test_a_study_from_images_to_a_released_dataset_by_the_client(tmp_path: Path) -> None:
    with site(tmp_path / "home") as running:
        keys = told_by(running, "make_tokens()")
        client = Client(running.url, keys["token"])

        fill_the_pool(client, images(tmp_path))
        slug = freeze_a_study(client)
        client.invite(slug, [RATER])
        client.open(slug)
        (reader,) = [Reader(**each) for each in told_by(running, f"make_readers({slug!r})")]
        statuses = [answer(running.port, reader, path) for path in reader.paths]
        with pytest.raises(ProblemError) as unproven:
            client.close(slug, name="Chest films", act_token="")
        client.close(slug, name="Chest films", act_token=keys["act"])
        client.unblind(slug, reason="All have read.", act_token=keys["act"])

        assert statuses == [200] * 2 * COUNT
        assert unproven.value.kind.endswith("act-token-needed")
        assert client.progress(slug)[0]["pace"] == "finished"
        ratings = client.ratings(slug)
        assert sorted(ratings["truth"]) == ["fake"] * COUNT + ["real"] * COUNT
        assert set(ratings["label"]) == {"real"}  # so every fake fooled
        assert client.results(slug)["truth"]["per_rater"][0]["fool_rate"]["estimate"] == 1.0
        assert client.operations.verify_now(slug)["is_whole"]
        assert len(released(client)) == COUNT


def images(folder: Path) -> list[Path]:
    paths = [folder / f"{number}.png" for number in range(COUNT)]
    for number, path in enumerate(paths):
        Pillow.fromarray(make_pixels(side=64, seed=number)).save(path)
    return paths


def fill_the_pool(client: Client, files: list[Path]) -> None:
    (key,) = client.push_images("Hospital A", files, origin="real", modality="xray")
    assert client.wait("import", key, seconds=60)["imported"] == COUNT
    dataset = client.dataset("Phantoms", origin="synthetic", modality="xray", licence="CC0-1.0")
    job = client.operations.create_phantom_job({"dataset": dataset["id"], "total": COUNT, "modality": "xray"})
    assert client.wait("generation", job["id"], seconds=60)["state"] == "succeeded"


def freeze_a_study(client: Client) -> str:
    strata = [{"dataset": name, "count": COUNT} for name in ("Hospital A", "Phantoms")]
    slug = client.create_study({"name": "Chest films", "canvas": 64, "strata": strata})
    client.freeze(slug)
    freeze: Any = client.study(slug)["freeze"]
    assert client.wait("freeze", freeze["id"], seconds=120)["state"] == "succeeded"
    audit: Any = client.study(slug)["audit"]
    assert client.wait("audit", audit["id"], seconds=120)["state"] == "succeeded"
    if client.study(slug)["audit"]["verdict"] == "red":  # noise and phantoms are easily told apart
        client.operations.override_audit(slug, {"reason": "Noise against phantoms, for a test."})
    return slug


def released(client: Client) -> list[str]:
    key = client.dataset("Phantoms")["id"]
    job = client.operations.create_release(key, {})
    assert client.wait("release", job["id"], seconds=120)["state"] == "succeeded"
    with ZipFile(io.BytesIO(client.operations.get_release_file(job["id"]))) as archive:
        return [name for name in archive.namelist() if name.endswith(".png")]


def told_by(running: Site, call: str) -> Any:
    """What a function of this module prints inside the site, as JSON."""
    words = f"import tests.servers.test_first_hour_by_client as here; here.{call}"
    done = lungrater(running.home, "shell", "-v", "0", "-c", words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def make_tokens() -> None:
    """Run inside the site: what a researcher makes on the account page."""
    from accounts.models import PersonalToken, User
    from accounts.roles import Role
    from accounts.tokens.models import Scope

    person = User.objects.create_user("researcher@example.org", role=Role.RESEARCHER)
    _row, token = PersonalToken.issue(
        person, name="notebook", lives=timedelta(days=1), scopes=list(Scope), proof="password"
    )
    _row, act = PersonalToken.issue_for_acts(person, proof="password")
    sys.stdout.write(json.dumps({"token": token, "act": act}) + "\n")


def make_readers(slug: str) -> None:
    """Run inside the site: the raters of this study sign in and consent, in the order of their pseudonyms."""
    from django.conf import settings
    from django.test import Client as Browser

    from rating.models import Enrolment
    from tests.rating.cast import presentations

    readers = []
    for enrolment in Enrolment.objects.filter(study__slug=slug).order_by("number"):
        enrolment.consent()
        browser = Browser()
        browser.force_login(enrolment.user, backend="accounts.sign_in.backend.SignInBackend")
        paths = [
            f"/reading/{slug}/rate/{each.token}/" for each in presentations(enrolment.study, enrolment.user)
        ]
        session = browser.cookies[settings.SESSION_COOKIE_NAME].value
        readers.append({"session": session, "account": str(enrolment.user.pk), "paths": paths})
    sys.stdout.write(json.dumps(readers) + "\n")
