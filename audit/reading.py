"""Reading the log: the filters of its pages, and looks of one person in a row folded into one line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from audit.models import Event, EventQuerySet

# A hash, or the uuid of a row.
KEY = re.compile(r"[0-9a-f-]{32,}")
LOOKS = frozenset({"looked at the truth", "looked at origins", "looked at the key"})


class LogForm(forms.Form):
    """What of the log is shown; an empty field leaves all."""

    who = forms.CharField(required=False, max_length=254, help_text="A part of a name or address.")
    what = forms.ChoiceField(required=False)
    since = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, events: EventQuerySet, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.log = events
        actions = events.order_by("action").values_list("action", flat=True).distinct()
        field = self.fields["what"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  (declared above)
        field.choices = [("", "everything"), *((action, action) for action in actions)]

    def events(self) -> EventQuerySet:
        """Those that fit, the latest first; nothing where the filters make no sense."""
        if not self.is_valid():
            return self.log.none()
        chosen = self.cleaned_data
        events = self.log
        if chosen["who"]:
            events = events.filter(identity__icontains=chosen["who"])
        if chosen["what"]:
            events = events.filter(action=chosen["what"])
        if chosen["since"]:
            events = events.filter(at__gte=_midnight(chosen["since"]))
        if chosen["until"]:
            events = events.filter(at__lt=_midnight(chosen["until"] + timedelta(days=1)))
        return events


def _midnight(day: Any) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


@dataclass(slots=True)
class Line:
    """An event; of looks that follow each other the latest, how many there were, and when the first was."""

    event: Event
    count: int = 1
    first: datetime | None = None
    whom: str = ""  # it was done to, where a page may name people

    @property
    def facts(self) -> str:
        """What is kept with it that goes into a few words: “role admin, before rater”; no hash, no key, no yes or no."""
        facts = {name: value for name, value in self.event.detail.items() if name != "rater"}
        return ", ".join(
            f"{name.replace('_', ' ')} {value}" for name, value in facts.items() if _is_short(value)
        )


def _is_short(value: object) -> bool:
    if value == "" or isinstance(value, bool):
        return False
    return isinstance(value, (str, int)) and not KEY.fullmatch(str(value))


def folded(events: Iterable[Event]) -> list[Line]:
    """The events as lines, the looks of one person at one kind of thing in a row as one."""
    lines: list[Line] = []
    for event in events:
        last = lines[-1] if lines else None
        if last is not None and event.action in LOOKS and _is_same_act(last.event, event):
            last.count, last.first = last.count + 1, event.at
        else:
            lines.append(Line(event))
    return lines


def _is_same_act(first: Event, other: Event) -> bool:
    return (first.action, first.chain, first.actor, first.actor_kind) == (
        *(other.action, other.chain, other.actor),
        other.actor_kind,
    )
