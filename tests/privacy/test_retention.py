"""Whose identity goes by itself, and when: at dates set by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import User
from accounts.site_settings import SiteSettings
from audit.models import Event
from lungrater.privacy.retention import KEPT_TOO_LONG, due, erase_due, months_before
from rating.models import Rating
from rating.results.verification import verify_study
from tests.rating.cast import open_study, over_study

pytestmark = pytest.mark.django_db


def after(days: int) -> datetime:
    """So many days from now, when nobody has done anything meanwhile."""
    return timezone.now() + timedelta(days=days)


@pytest.fixture
def a_year(db: None) -> None:
    SiteSettings.objects.create(pk=1, retention_months=12)


def emails(now: datetime) -> list[str]:
    return [each.person.email for each in due(now=now)]


def test_a_rater_is_erased_a_year_after_the_unblinding_and_their_ratings_stay(
    a_year: None, rater: User, admin: User
) -> None:
    study = over_study(raters=[rater], unblinded=True)
    assert emails(after(364)) == []

    erased = erase_due(now=after(367))

    assert erased == 1
    assert User.objects.get(uuid=rater.uuid).erased_at is not None
    assert Rating.objects.count() == 6
    assert verify_study(study).discrepancies == ()
    notice = Event.objects.get(action=KEPT_TOO_LONG)
    assert notice.detail == {"months": 12, "people": {"rater of studies that are over": 1}}
    assert erase_due(now=after(367)) == 0


def test_who_still_reads_or_whose_study_is_still_blinded_stays(
    a_year: None, rater: User, other_rater: User
) -> None:
    over_study("Closed", raters=[rater])
    over_study("Unblinded", raters=[other_rater], unblinded=True)
    open_study("Open", raters=[other_rater])

    assert emails(after(4000)) == []


def test_who_is_deactivated_goes_also_an_admin_and_who_is_active_stays(
    a_year: None, researcher: User, admin: User, rater: User
) -> None:
    second = User.objects.create_user("second@example.org", role="admin")
    User.objects.filter(pk__in=[researcher.pk, second.pk]).update(is_active=False)

    assert emails(after(367)) == [researcher.email, second.email]


def test_a_sign_in_starts_the_time_anew(a_year: None, rater: User) -> None:
    over_study(raters=[rater], unblinded=True)
    User.objects.filter(pk=rater.pk).update(last_login=after(200))

    assert emails(after(367)) == []
    assert emails(after(200 + 367)) == [rater.email]


def test_without_a_number_of_months_nobody_is_erased(rater: User) -> None:
    over_study(raters=[rater], unblinded=True)

    assert emails(after(100_000)) == []


def test_the_command_prints_whom_and_changes_nothing(a_year: None, rater: User) -> None:
    User.objects.filter(pk=rater.pk).update(is_active=False, date_joined=datetime(2001, 1, 31, tzinfo=UTC))
    output = StringIO()

    call_command("retention", stdout=output)

    assert "rater@example.org  last active 2001-01-31  deactivated" in output.getvalue()
    assert "To be erased, not active for 12 months: 1." in output.getvalue()
    assert User.objects.filter(email=rater.email).exists()


def test_a_month_ends_on_its_last_day() -> None:
    assert months_before(datetime(2026, 3, 31, tzinfo=UTC), 1) == datetime(2026, 2, 28, tzinfo=UTC)
    assert months_before(datetime(2026, 1, 15, tzinfo=UTC), 13) == datetime(2024, 12, 15, tzinfo=UTC)
