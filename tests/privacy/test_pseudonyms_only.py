"""Where a study shows pseudonyms only, nothing that its researchers can open says who a rater is."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.preferences import Preferences
from rating.models import Study
from rating.studies.invitation_form import read_invitees
from tests.api import test_permissions as api_table
from tests.api.callers import caller
from tests.rating.bundles import bundle
from tests.rating.cast import draft_study, frozen_study, open_study, over_study
from tests.rights_table import WHO_MAY
from tests.test_permissions import address, world

__all__ = ["world"]
pytestmark = pytest.mark.django_db
CANARIES = ("zq-canary@example.org", "Quetzalcanary")
# Pages for people's own matters and the site's, which no study leads to.
OF_THE_SITE = {
    *("people", "people_csv", "person", "log", "log_csv", "erase_person", "invite_people", "health"),
    "rating:key",
}


@pytest.fixture
def masked_world(world: dict[str, Any], rater: User) -> dict[str, Any]:
    """Every study shows pseudonyms only, and the rater of them has a name like nobody else's."""
    User.objects.filter(pk=rater.pk).update(email=CANARIES[0], last_name=CANARIES[1])
    with connection.cursor() as cursor:  # also those past their draft, whose protocol stands
        cursor.execute("SET session_replication_role = replica")
        Study.objects.update(pseudonyms_only=True)
        cursor.execute("SET session_replication_role = DEFAULT")
    return world


def answers(browser: Client, addresses: list[str]) -> dict[str, bytes]:
    """By address what it answers a GET with, archives opened."""
    contents = {}
    for url in addresses:
        response = browser.get(url)
        chunks: Any = getattr(response, "streaming_content", None)
        body = response.content if chunks is None else b"".join(chunks)
        if body.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(body)) as archive:
                body = b"\n".join(archive.read(name) for name in archive.namelist())
        contents[url] = body + str(response.headers).encode()
    return contents


def naming(contents: dict[str, bytes]) -> list[str]:
    return [url for url, body in contents.items() if any(word.encode() in body for word in CANARIES)]


def test_no_page_file_or_api_answer_names_a_rater_to_a_researcher_and_the_key_does_to_an_admin(
    masked_world, client_of, researcher, admin, settings
):
    settings.API_RATE = "100000/m"
    pages = [address(name, masked_world) for name in sorted(WHO_MAY) if name not in OF_THE_SITE]
    pages += [
        reverse(name, args=[masked_world[which].slug])
        for name in ("rating:study", "rating:raters", "rating:log", "rating:log_csv", "rating:analysis")
        for which in ("own", "over", "taught")
    ]
    operations = [
        api_table.address(name, path, masked_world)
        for name, method, path, _operation in api_table.operations()
        if method == "get" and name not in {"get_key", "list_people", "list_site_log"}
    ]
    masked_world["own"].share_with(admin, "owner")

    of_researcher = answers(client_of(researcher), pages) | answers(caller(researcher), operations)
    of_admin = answers(client_of(admin), pages) | answers(caller(admin), operations)
    key = answers(client_of(admin), [reverse("rating:key", args=[masked_world["own"].slug])])

    assert sum(b"R01" in body for body in of_researcher.values()) >= 15
    assert not naming(of_researcher)
    assert not naming(of_admin)
    assert len(naming(key)) == 1
    assert masked_world["own"].events.filter(action="looked at the key", actor=admin.uuid).exists()
    assert client_of(researcher).get(next(iter(key))).status_code == 403


def test_no_file_of_the_bundle_names_a_rater(masked_world):
    with zipfile.ZipFile(io.BytesIO(bundle(masked_world["taught"], "2026-11-28"))) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}

    assert not naming(contents)


def test_only_an_admin_lets_raters_in_and_what_is_refused_names_nobody_in_the_log(
    client_of, researcher, admin, rater
):
    study = frozen_study(pseudonyms_only=True, raters=[rater])
    study.enrolments.get().withdraw(researcher, "Asked to.")
    invite, replace = reverse("invite", args=[study.slug]), reverse("rating:replace", args=[study.slug, 1])

    by_researcher = client_of(researcher).post(invite, {"emails": "new@example.org"})
    client_of(researcher).post(replace, {"email": "new@example.org"})
    client_of(admin).post(replace, {"email": rater.email})
    by_admin = client_of(admin).post(invite, {"emails": "new@example.org"})

    assert (by_researcher.status_code, by_admin.status_code) == (404, 200)
    assert [each.pseudonym for each in study.enrolments.all()] == ["R01", "R02"]
    reasons = " ".join(study.events.values_list("reason", flat=True))
    assert "This person is R01 of this study already." in reasons
    assert "@" not in reasons
    assert mail.outbox[-1].to == ["new@example.org"]


def test_researchers_follow_an_invitation_by_its_code(client, client_of, researcher, admin):
    study = frozen_study(pseudonyms_only=True)
    client_of(admin).post(reverse("invite", args=[study.slug]), {"emails": "new@example.org"})
    page = reverse("rating:raters", args=[study.slug])

    mailed = client_of(researcher).get(page).content.decode()
    link = next(word for word in str(mail.outbox[-1].body).split() if "/enter/" in word)
    client.post(link)
    opened = client_of(researcher).get(page).content.decode()

    assert "link mailed" in mailed
    assert "link opened" in opened
    assert "new@example.org" not in mailed + opened


def test_of_a_link_that_opens_no_more_researchers_read_so_until_there_is_another(
    client_of, researcher, admin
):
    study = frozen_study()
    invite = reverse("invite", args=[study.slug])
    client_of(admin).post(invite, {"emails": "new@example.org"})
    page = reverse("rating:raters", args=[study.slug])

    User.objects.get(email="new@example.org").login_links.void()
    voided = client_of(researcher).get(page).content.decode()
    client_of(researcher).post(invite, {"emails": "new@example.org"})
    again = client_of(researcher).get(page).content.decode()

    assert "link opens no more" in voided
    assert "link mailed" not in voided
    assert "link mailed" in again


def test_an_invitation_to_another_study_changes_nothing_that_researchers_read_of_a_code(
    client, client_of, researcher, admin
):
    masked, plain = frozen_study("Masked", pseudonyms_only=True), frozen_study("Plain")
    client_of(admin).post(reverse("invite", args=[masked.slug]), {"emails": "new@example.org"})
    page = reverse("rating:raters", args=[masked.slug])
    program = f"/api/v1/studies/{masked.slug}/raters"

    before = caller(researcher).get(program).json()
    client_of(researcher).post(reverse("invite", args=[plain.slug]), {"emails": "new@example.org"})
    link = next(word for word in str(mail.outbox[-1].body).split() if "/enter/" in word)
    client.post(link)
    after = caller(researcher).get(program).json()

    assert before == after
    assert "link mailed" in client_of(researcher).get(page).content.decode()


def test_a_link_to_another_study_that_confirms_an_address_tells_researchers_no_code(
    client_of, researcher, rater, other_rater
):
    study = over_study(raters=[rater, other_rater], pseudonyms_only=True)
    browser = client_of(researcher)

    def raters_page() -> str:
        return str(browser.get(reverse("rating:raters", args=[study.slug])).content.decode())

    def caveats() -> str:
        page = browser.get(reverse("rating:analysis", args=[study.slug]))
        return " ".join(page.context["unconfirmed"])

    before = raters_page()
    assert "confirmed: 2 raters." in caveats()
    User.objects.filter(pk=rater.pk).update(address_confirmed_at=timezone.now())

    assert "confirmed: 1 rater." in caveats()
    assert "R0" not in caveats()
    assert raters_page().count("confirmed") == before.count("confirmed") == 0


def test_whether_raters_are_shown_stands_once_somebody_is_enrolled(rater):
    masked = draft_study(pseudonyms_only=True)
    masked.pseudonyms_only = False
    masked.full_clean()  # nobody is enrolled yet
    study = frozen_study("Frozen", raters=[rater], pseudonyms_only=True)
    study.pseudonyms_only = False

    with pytest.raises(ValidationError, match="Somebody is enrolled"):
        study.full_clean()


def test_raters_are_told_who_can_see_who_they_are(client_of, rater, other_rater):
    masked = open_study("Masked", raters=[rater], pseudonyms_only=True)
    plain = open_study("Plain", raters=[other_rater])
    for study in (masked, plain):
        study.enrolments.update(consented_at=None, consent_version="")

    to_masked = client_of(rater).get(reverse("rating:begin", args=[masked.slug])).content.decode()
    to_other = client_of(other_rater).get(reverse("rating:begin", args=[plain.slug])).content.decode()

    assert "Who that is stands on one page for administrators of this site" in to_masked
    assert "the organisers of the study can see who that is" in to_other


def test_people_of_a_table_are_invited_in_their_language_through_the_same_door(client_of, researcher, rater):
    study = frozen_study(raters=[rater])
    table = "Address;Language\nneu@example.org;de\n;\nrater@example.org;ar\n"
    upload = io.BytesIO(table.encode("utf-8-sig"))
    upload.name = "raters.csv"

    page = client_of(researcher).post(reverse("invite", args=[study.slug]), {"table": upload})

    assert page.status_code == 200
    new = User.objects.get(email="neu@example.org")
    assert Preferences.of(new).language == "de"
    assert not Preferences.objects.filter(
        user=rater
    ).exists()  # whoever is here already chooses for themselves
    by_address = {message.to[0]: message.subject for message in mail.outbox}
    assert by_address == {
        "neu@example.org": "Einladung, Bilder in „Reading“ zu beurteilen",
        "rater@example.org": "Invitation to rate images in “Reading”",
    }


def test_a_table_that_cannot_be_read_names_its_lines_and_invites_nobody(client_of, researcher):
    study = frozen_study()
    upload = io.BytesIO(b"email,language\ngood@example.org,en\nnobody,en\nb@example.org,tlh\n")
    upload.name = "raters.csv"

    page = (
        client_of(researcher).post(reverse("invite", args=[study.slug]), {"table": upload}).content.decode()
    )

    assert read_invitees('email\n"' + "a@example.org\n" * 10_000)[1][0].startswith("The table is no CSV: ")
    assert "Line 3: “nobody” is not an email address." in page
    assert "Line 4: “tlh” is none of the site&#x27;s languages" in page
    assert not study.enrolments.exists()
