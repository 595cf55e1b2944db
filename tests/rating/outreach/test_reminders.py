"""Reminders: whom, when, how often, in which language, and never after somebody has asked for none."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.preferences import Preferences
from rating.models import Enrolment, ReadingSchedule, Reminder, Study
from rating.studies.outreach.reminders import due_reminders, send_reminders
from tests.rating.cast import open_study, organiser, rate_all

pytestmark = pytest.mark.django_db


def site(path: str) -> str:
    return f"https://lungs.example{path}"


def scheduled(study: Study, **how: Any) -> Study:
    ReadingSchedule.objects.create(study=study, **how)
    return study


def later(days: float) -> Any:
    return timezone.now() + timedelta(days=days)


def test_only_who_still_has_images_to_read_is_reminded(rater, other_rater):
    finished, withdrawn, erased, silent = (
        User.objects.create_user(f"{name}@example.org") for name in ("a", "b", "c", "d")
    )
    User.objects.filter(pk=erased.pk).update(email="c@recruited.invalid")
    everybody = [rater, other_rater, finished, withdrawn, erased, silent]
    study = scheduled(open_study(raters=everybody, pseudonyms_only=True), idle_days=2)
    rate_all(study, finished, "real")
    study.enrolments.get(user=withdrawn).withdraw(organiser(), "Asked to.")
    study.enrolments.filter(user=silent).update(reminders_stopped_at=timezone.now())
    User.objects.filter(pk=other_rater.pk).update(is_active=False)

    sent = send_reminders(later(3), site)

    assert sent == 1
    assert [message.to for message in mail.outbox] == [[rater.email]]
    event = study.events.get(action="sent a reminder")
    assert (event.detail["rater"], "@" in str(event.detail)) == ("R01", False)


def test_reminders_come_after_silence_at_most_so_many_times(rater):
    scheduled(open_study(raters=[rater]), idle_days=5, most=2)

    counts = [send_reminders(later(days), site) for days in (4.9, 5.1, 10.0, 10.2, 60)]

    assert counts == [0, 1, 0, 1, 0]


def test_the_due_date_is_reminded_of_once_and_never_when_it_has_passed(rater):
    today = timezone.now().date()
    study = scheduled(open_study(raters=[rater]), due_on=today + timedelta(days=10), days_before=3)

    before = list(due_reminders(later(6)))
    sent = [send_reminders(later(8), site), send_reminders(later(9.5), site)]
    Reminder.objects.all().delete()
    after = list(due_reminders(later(12)))

    assert (before, sent, after) == ([], [1, 0], [])
    assert Enrolment.objects.get(study=study).reminders.count() == 0


def test_nobody_is_reminded_on_the_day_of_the_invitation(rater):
    today = timezone.now().date()
    scheduled(open_study(raters=[rater]), due_on=today + timedelta(days=2), days_before=3)

    assert [len(list(due_reminders(later(days)))) for days in (0.1, 1.1)] == [0, 1]


def test_nobody_is_reminded_while_the_washout_keeps_them_out(rater):
    study = scheduled(open_study(raters=[rater], sessions=2, washout_days=14), idle_days=2)
    rate_all(study, rater, "real")

    counts = [len(list(due_reminders(later(days)))) for days in (10, 15, 16.5)]

    assert counts == [0, 0, 1]


def test_a_reminder_speaks_the_raters_language_and_can_be_stopped_by_its_last_line(client, rater):
    Preferences.objects.create(user=rater, language="de")
    study = scheduled(open_study(raters=[rater]), idle_days=2, due_on=date(2026, 12, 31))
    send_reminders(later(3), site)
    message = mail.outbox[0]
    (stop,) = (word.strip("<>") for word in [message.extra_headers["List-Unsubscribe"]])
    path = stop.removeprefix("https://lungs.example")

    page = client.get(path).content.decode()
    client.post(path, {"List-Unsubscribe": "One-Click"})  # as a mailbox does, without a page before

    assert message.subject == "Erinnerung: Bilder von „Reading“ warten auf Sie"
    assert "Es bleiben 6 Bilder, etwa 2 Minuten." in message.body
    assert "31. Dezember 2026" in message.body
    assert stop in message.body
    assert "Keine weiteren Erinnerungen" in page
    assert not list(due_reminders(later(30)))
    assert study.events.filter(action="stopped reminders", detail__rater="R01").count() == 1


def test_a_changed_token_stops_nothing(client):
    assert client.post(reverse("rating:stop_reminders", args=["MQ:1abcde:forged"])).status_code == 404


def test_a_mail_that_cannot_be_sent_is_tried_again(rater, monkeypatch):
    scheduled(open_study(raters=[rater]), idle_days=2)
    real = mail.EmailMessage.send

    def refused(_message: Any) -> int:
        raise OSError("no route")

    monkeypatch.setattr(mail.EmailMessage, "send", refused)
    first = send_reminders(later(3), site)
    monkeypatch.setattr(mail.EmailMessage, "send", real)

    assert (first, send_reminders(later(3), site)) == (0, 1)


def test_organisers_set_the_due_date_and_raters_read_it(client_of, researcher, rater):
    study = open_study(raters=[rater])
    page = reverse("rating:schedule", args=[study.slug])

    without_date = client_of(researcher).post(page, {"days_before": "3", "most": "3"})
    client_of(researcher).post(page, {"due_on": "2026-12-31", "days_before": "3", "most": "3"})

    assert without_date.status_code == 422
    assert study.events.get(action="set due date and reminders").detail["due_on"] == "2026-12-31"
    assert "Dec. 31, 2026" in client_of(rater).get(reverse("rating:reading_list")).content.decode()


def test_a_due_date_that_has_passed_is_told_as_past_to_raters_and_organisers(client_of, researcher, rater):
    yesterday = timezone.now().date() - timedelta(days=1)
    study = scheduled(open_study(raters=[rater]), due_on=yesterday, idle_days=2)
    send_reminders(later(3), site)

    page = client_of(rater).get(reverse("rating:reading_list")).content.decode()
    organisers = client_of(researcher).get(study.get_absolute_url()).content.decode()

    assert "It was to be finished by" in page
    assert "It was to be finished by" in mail.outbox[0].body
    assert "Please finish by" not in page + mail.outbox[0].body
    assert f"were to finish by {yesterday}" in organisers
