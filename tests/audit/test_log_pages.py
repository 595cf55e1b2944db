"""The log as people read it: pages with filters, CSV, the bundle with a script that recomputes it, the report."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

import audit
from accounts.models import User
from accounts.roles import Role
from audit.models import Event
from audit.reading import folded
from audit.verification import head
from rating.models import BundleJob, Study
from rating.results.build_report import report_on, results_of
from tests.audit.tampering import as_superuser
from tests.rating.bundles import bundle
from tests.rating.cast import organiser, over_study

pytestmark = pytest.mark.django_db
Signed = Callable[[User], Client]


@pytest.fixture
def study(rater: User, other_rater: User) -> Study:
    return over_study(raters=[rater, other_rater], unblinded=True)


def test_the_sites_log_is_shown_by_who_what_and_when(client_of: Signed, admin: User, rater: User) -> None:
    audit.record(rater, admin, "changed a role", reason="New post.", role="researcher")
    audit.record(None, None, "swept")
    browser = client_of(admin)
    tomorrow = f"{timezone.now() + timedelta(days=1):%Y-%m-%d}"

    everything = browser.get(reverse("log")).text
    by_admin = browser.get(reverse("log"), {"who": "admin@", "what": "changed a role"}).text
    later = browser.get(reverse("log"), {"since": tomorrow}).text

    assert "New post." in everything
    assert "swept" in everything
    assert "New post." in by_admin
    assert "<td>the site</td>" not in by_admin
    assert "Nothing fits." in later
    assert str(head("site")) in everything


def test_the_sites_log_says_whose_role_was_changed_and_to_what(client_of: Signed, admin: User) -> None:
    person = User.objects.create_user("new@example.org", first_name="Nora", last_name="New")
    audit.record(person, admin, "changed a role", role="researcher", before="rater")
    audit.record(person, None, "was seen", rater="R07")
    browser = client_of(admin)

    changed = browser.get(reverse("log"), {"what": "changed a role"}).text
    everything = browser.get(reverse("log")).text

    assert ">Nora New</td>" in changed
    assert "role researcher, before rater" in changed
    [by_pseudonym] = [row for row in everything.split("<tr>") if "R07" in row]
    assert "Nora New" not in by_pseudonym


def test_the_names_of_the_sites_log_are_read_at_once_however_many_there_are(
    client_of: Signed, admin: User
) -> None:
    browser = client_of(admin)
    browser.get(reverse("log"))  # the first page of a process asks for more

    def queries_with(people: range) -> int:
        for number in people:
            person = User.objects.create_user(
                f"p{number}@example.org", first_name=f"P{number}", last_name="New"
            )
            audit.record(person, admin, "changed a role", role="researcher")
        with CaptureQueriesContext(connection) as queries:
            page = browser.get(reverse("log")).text
        assert page.count(" New</td>") == people.stop
        return len(queries)

    assert queries_with(range(2)) == queries_with(range(2, 12))


def test_the_log_says_in_a_few_words_what_is_kept_with_an_act_and_no_hash(
    client_of: Signed, admin: User
) -> None:
    audit.record(
        None, admin, "did much", name="Set A", images=2, sha256="0f" * 32, by=str(admin.uuid), blind=True
    )

    assert '<span class="quiet">name Set A, images 2</span>' in client_of(admin).get(reverse("log")).text


def test_a_person_without_a_name_goes_by_the_address_alone(study: Study, researcher: User) -> None:
    person = User.objects.create_user("nameless@example.org", role=Role.RESEARCHER)
    audit.record(study, person, "looked at the truth")
    new = Event.objects.get(actor=person.uuid)

    assert str(person) == person.identity == new.identity == new.who == "nameless@example.org"
    assert Event(identity="<nameless@example.org>").who == "nameless@example.org"
    assert Event(identity="Ada L. <ada@example.org>").who == "Ada L. <ada@example.org>"


def test_looks_that_follow_each_other_are_one_line(study: Study, researcher: User) -> None:
    for page in ("overview", "fooled", "report"):
        audit.record(study, researcher, "looked at the truth", page=page)
    audit.record(study, organiser(), "looked at the truth", page="overview")

    lines = folded(study.events[:4])

    assert [(line.event.action, line.count) for line in lines] == [
        ("looked at the truth", 1),
        ("looked at the truth", 3),
    ]


def test_what_is_kept_with_an_event_is_told_in_words_and_only_where_there_is_some(study: Study) -> None:
    audit.record(study, organiser(), "noted", made_by="", before_role="rater", is_new=True)

    (line,) = folded(study.events[:1])

    assert line.facts == "before role rater"


def test_the_log_comes_as_csv_with_nothing_a_spreadsheet_would_run(client_of: Signed, admin: User) -> None:
    audit.record(None, admin, "noted", reason="=HYPERLINK(1)")

    answer = client_of(admin).get(reverse("log_csv"))
    rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))

    noted = next(row for row in rows if row["action"] == "noted")
    assert (noted["reason"], noted["identity"]) == ("'=HYPERLINK(1)", admin.email)


def test_verifying_on_the_page_says_what_came_of_it_and_is_kept(client_of: Signed, study: Study) -> None:
    browser = client_of(organiser())

    first = browser.post(reverse("rating:verify", args=[study.slug]), follow=True).text
    as_superuser(f"UPDATE rating_study SET seed = seed + 1 WHERE id = {study.pk}")
    second = browser.post(reverse("rating:verify", args=[study.slug]), follow=True).text

    assert "stored truth are as they were written" in first
    assert "everything as it was written." in first
    assert "NOT as it was written: manifest" in second
    assert [e.detail["verified"] for e in study.events.filter(action="verified")] == [False, True]


def test_each_export_is_kept_with_what_verify_says(client_of: Signed, study: Study) -> None:
    browser = client_of(organiser())

    for page in ("ratings_csv", "ratings_parquet"):
        assert browser.get(reverse(f"rating:{page}", args=[study.slug])).status_code == 200
    BundleJob.objects.create(study=study).perform()

    exports = study.events.filter(action="exported ratings")
    assert [event.detail["verified"] for event in exports] == [True, True, True]


def test_nothing_is_handed_out_of_ratings_that_were_changed(client_of: Signed, study: Study) -> None:
    as_superuser("UPDATE rating_rating SET label = 'unsure' WHERE id = (SELECT min(id) FROM rating_rating)")
    browser = client_of(organiser())

    for page, rest in (("ratings_csv", []), ("remarks_csv", []), ("report", ["html"])):
        assert browser.get(reverse(f"rating:{page}", args=[study.slug, *rest])).status_code == 409
    job = BundleJob.objects.create(study=study)
    job.perform()
    assert (job.state, bool(job.file)) == ("failed", False)
    assert "is not what its rater last saved" in job.error
    assert not study.events.filter(action="exported ratings").exists()


def test_the_report_tells_the_head_and_the_result(study: Study) -> None:
    sections = {
        section.title: section for section in report_on(study, results_of(study), "2026-01-31").sections
    }

    assert "as they were written" in sections["Trail"].words[0]
    assert str(head(study.trail)) in sections["Trail"].words[1]


def test_a_script_in_the_bundle_recomputes_both_chains(study: Study, tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(bundle(study, "2026-01-31"))) as archive:
        archive.extractall(tmp_path)

    def recomputed() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "recompute_log.py"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)

    assert recomputed().returncode == 0
    assert f"log.csv: {head(study.trail)}" in recomputed().stdout
    revisions = (tmp_path / "revisions.csv").read_text()
    (tmp_path / "revisions.csv").write_text(revisions.replace(",real,", ",fake,", 1))
    assert recomputed().returncode == 1
    assert "is not as it was written" in recomputed().stdout


def test_no_name_and_no_address_is_in_the_bundle(study: Study, rater: User) -> None:
    with zipfile.ZipFile(io.BytesIO(bundle(study, "2026-01-31"))) as archive:
        words = archive.read("log.csv").decode() + archive.read("revisions.csv").decode()

    for person in (rater, organiser()):
        assert person.email not in words
    assert Event.objects.filter(identity__contains=organiser().email).exists()
