"""The settings of the site: who may change them, what the trail keeps of it, and where people read them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.urls import reverse

from accounts import site_settings
from accounts.models import SiteSettings
from audit.models import Event
from tests.rating.cast import frozen_study

pytestmark = pytest.mark.django_db
FORM = {"name": "Chest reading, Clinic North", "contact": "help@clinic.example", "grace_days": "7"}


def test_each_setting_that_changes_is_an_event_with_the_value_before_and_after(client_of, admin):
    client_of(admin).post(reverse("site_settings"), {**FORM, "retention_months": "24"})

    events = Event.objects.filter(action="changed a setting")
    assert {event.reason for event in events} == {
        "name: LungRater → Chest reading, Clinic North",
        "contact: (empty) → help@clinic.example",
        "grace_days: 14 → 7",
        "retention_months: (empty) → 24",
    }
    assert {event.actor for event in events} == {admin.uuid}
    assert SiteSettings.current().retention_months == 24


def test_saving_what_stands_there_already_is_no_event(client_of, admin):
    client_of(admin).post(reverse("site_settings"), FORM)
    before = Event.objects.filter(action="changed a setting").count()

    client_of(admin).post(reverse("site_settings"), FORM)

    assert Event.objects.filter(action="changed a setting").count() == before


def test_a_researcher_changes_no_settings(client_of, researcher):
    answer = client_of(researcher).post(reverse("site_settings"), FORM)

    assert answer.status_code == 403
    assert SiteSettings.current().name == "LungRater"


def test_name_contact_and_privacy_notice_stand_where_a_stranger_reads_them(client):
    SiteSettings(pk=1, name="Clinic North", contact="Dr. Help", privacy_text="We keep ratings.").save()

    page = client.get(reverse("account_login")).content.decode()

    assert all(text in page for text in ("Clinic North", "Dr. Help", reverse("privacy_notice")))
    assert "We keep ratings." in client.get(reverse("privacy_notice")).content.decode()


def test_a_site_that_says_nothing_about_privacy_links_to_no_notice(client):
    assert "has not written a notice" in client.get(reverse("privacy_notice")).content.decode()
    assert reverse("privacy_notice") not in client.get(reverse("account_login")).content.decode()


def test_an_invitation_says_who_sends_it_and_what_is_kept(client_of, researcher):
    SiteSettings(pk=1, name="Clinic North", contact="Dr. Help", privacy_text="We keep ratings.").save()

    client_of(researcher).post(reverse("invite", args=[frozen_study().slug]), {"emails": "new@example.org"})

    assert all(text in mail.outbox[0].body for text in ("Clinic North", "Dr. Help", "We keep ratings."))


def test_there_is_one_row_of_settings():
    with pytest.raises(IntegrityError), transaction.atomic():
        SiteSettings.objects.create(pk=2)


def test_a_german_rater_reads_the_footer_in_german(client_of, rater):
    SiteSettings(pk=1, contact="Dr. Help", privacy_text="We keep ratings.").save()

    page = client_of(rater).get(reverse("rating:reading_list"), headers={"accept-language": "de"})

    assert "Kontakt:" in page.content.decode()
    assert "Datenschutz" in page.content.decode()


def test_what_another_process_saves_is_noticed_after_seconds_and_what_this_one_saves_at_once(monkeypatch):
    now = 100.0
    monkeypatch.setattr(site_settings, "time", SimpleNamespace(monotonic=lambda: now))
    SiteSettings(pk=1, name="Clinic North").save()
    assert SiteSettings.recent().name == "Clinic North"

    SiteSettings.objects.update(name="Clinic South")  # as another process would

    now += site_settings.RECENT_SECONDS
    assert SiteSettings.recent().name == "Clinic North"
    now += 1
    assert SiteSettings.recent().name == "Clinic South"
    SiteSettings(pk=1, name="Clinic East").save()
    assert SiteSettings.recent().name == "Clinic East"
