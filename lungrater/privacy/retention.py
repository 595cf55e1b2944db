"""How long the site knows who people are: so many months after the last that they did, then they are erased.

Whose time is over: raters all of whose studies are unblinded (or left) for so long, and people who are deactivated; in
either case nobody who did anything meanwhile. Machines and simulated raters are nobody.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.usersessions.models import UserSession
from django.db.models import Max, Q
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from accounts.site_settings import SiteSettings
from audit import record
from audit.models import Event
from lungrater.privacy.erasure import erase
from rating.models import Enrolment, Sitting

AT_ONCE = 50  # people in one run of the clock; the next run goes on
KEPT_TOO_LONG = "erased people after the time to keep them"  # as the log names it


@dataclass(frozen=True, slots=True)
class Due:
    """A person whose time is over, since when, and by which rule."""

    person: User
    last_active_at: datetime
    rule: str


def due(*, now: datetime | None = None) -> Iterator[Due]:
    """Everybody whose identity is to go; nobody where the site keeps it for ever."""
    months = SiteSettings.current().retention_months
    if months is None:
        return
    before = months_before(now or timezone.now(), months)
    machines = Enrolment.objects.filter(~Q(machine="") | Q(study__is_simulated=True)).values("user")
    people = User.objects.filter(erased_at=None, date_joined__lt=before, is_demo=False).exclude(
        pk__in=machines
    )
    for person in people.exclude(role=Role.ADMIN, is_active=True).order_by("pk").iterator():
        rule = _rule(person, before)
        if rule and (last := last_active_at(person)) < before:
            yield Due(person, last, rule)


def _rule(person: User, before: datetime) -> str:
    """Which rule lets this person go; empty of none."""
    if not person.is_active:
        return "deactivated"
    enrolments = Enrolment.objects.filter(user=person)
    ended = Q(study__unblinded_at__lt=before) | Q(withdrawn_at__lt=before)
    if person.role == Role.RATER and enrolments.exists() and not enrolments.exclude(ended).exists():
        return "rater of studies that are over"
    return ""


def last_active_at(person: User) -> datetime:
    """When this person last did anything, or somebody changed what they may; failed sign-ins of strangers do not count."""
    about = Q(subject_kind="user", subject_key=str(person.uuid)) & ~Q(actor_kind="stranger")
    stamps: list[Any] = [
        person.date_joined,
        person.last_login,
        Event.objects.filter(Q(actor=person.uuid) | about).aggregate(last=Max("at"))["last"],
        Sitting.objects.filter(enrolment__user=person).aggregate(last=Max("ended_at"))["last"],
        UserSession.objects.filter(user=person).aggregate(last=Max("last_seen_at"))["last"],
    ]
    last: datetime = max(stamp for stamp in stamps if stamp is not None)
    return last


def months_before(moment: datetime, months: int) -> datetime:
    """The same day so many calendar months earlier; the last day of a shorter month."""
    year, month = divmod(12 * moment.year + moment.month - 1 - months, 12)
    return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))


def erase_due(*, now: datetime | None = None, most: int = AT_ONCE) -> int:
    """Erase up to so many of them; the log says by which rule, how many, and that it was the clock."""
    months = SiteSettings.current().retention_months
    rules: dict[str, int] = {}
    for each, _number in zip(due(now=now), range(most), strict=False):
        erase(each.person, by=None, reason=f"Not active for {months} months; {each.rule}.")
        rules[each.rule] = rules.get(each.rule, 0) + 1
    if rules:
        record(None, None, KEPT_TOO_LONG, months=months, people=rules)
    return sum(rules.values())
