"""What the pages of researchers and admins are put together from: icons, badges, times, small curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django import template
from django.forms import BaseForm, BoundField
from django.template.context import Context
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

register = template.Library()

# Whatever has a state: jobs, studies, checks, people, held files. Never colour alone, so each has its icon.
ICONS = {
    "queued": "clock",
    "running": "make",
    "paused": "pause",
    "succeeded": "check",
    "failed": "stop",
    "cancelled": "close",
    "draft": "edit",
    "frozen": "lock",
    "open": "eye",
    "closed": "lock",
    "unblinded": "check",
    "green": "check",
    "amber": "warn",
    "red": "stop",
    "unknown": "info",
    "waiting": "clock",
    "released": "check",
    "masked": "check",
    "discarded": "close",
    "expired": "clock",
    "active": "check",
    "invited": "mail",
    "idle": "clock",
    "deactivated": "close",
}
# Which of the colours a state has that is not itself one of the stylesheet's.
TONES = {
    "active": "green",
    "invited": "amber",
    "idle": "amber",
    "waiting": "amber",
    "released": "green",
    "masked": "green",
}
WIDTH, HEIGHT = 120, 28


@register.simple_tag
def icon(name: str) -> SafeString:
    """One of the site's icons, for the eye alone."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>', static("icons.svg"), name
    )


@register.simple_tag
def badge(state: str, word: str) -> SafeString:
    """A state as an icon and a word."""
    sign = icon(ICONS[state]) if state in ICONS else ""
    return format_html('<span class="state {}">{}{}</span>', TONES.get(state, state), sign, word)


@register.filter
def ago(at: datetime | None) -> str:
    """How long ago that was; nobody reads “0 minutes ago”."""
    if at is None:
        return ""
    if timezone.now() - at < timedelta(minutes=1):
        return "just now"
    return f"{timesince(at)} ago"


@register.filter
def line_of(curve: Sequence[Sequence[float]]) -> str:
    """The points of a falling curve's small line, for a `polyline` in a box of 120 by 28; its heights are logarithms."""
    values = [math.log(max(value, 1e-12)) for _, value in curve if math.isfinite(value)]
    if len(values) < 2:
        return ""
    low, span = min(values), max(values) - min(values) or 1.0
    return " ".join(
        f"{1 + (WIDTH - 2) * index / (len(values) - 1):.1f},{HEIGHT - 2 - (HEIGHT - 4) * (value - low) / span:.1f}"
        for index, value in enumerate(values)
    )


@dataclass(frozen=True, slots=True)
class Folded:
    """A form's fields: the few that everybody fills in, and the rest, which stand folded until one of them matters."""

    first: list[BoundField]
    rest: list[BoundField]
    is_open: bool

    @property
    def names(self) -> str:
        """What is folded, as its summary tells it."""
        return ", ".join(str(field.label).lower() for field in self.rest)


@register.simple_tag
def folded(form: BaseForm, names: str) -> Folded:
    """The fields of these names in this order where the form has them, and the rest; open where one has an error or a value of its own."""
    visible = {field.name: field for field in form.visible_fields()}
    first = [visible.pop(name) for name in names.split() if name in visible]
    rest = list(visible.values())
    is_open = any(field.errors or _says_something(form, field) for field in rest)
    return Folded(first, rest, is_open)


def _says_something(form: BaseForm, field: BoundField) -> bool:
    """Whether the field holds another value than the one it would begin with."""
    return bool(field.field.has_changed(field.field.initial, field.value()))


@register.filter
def initials(name: object) -> str:
    """What stands in the circle beside a person: the first letters of the first and the last word."""
    words = str(name).partition("@")[0].replace(".", " ").split()
    return "".join(word[0] for word in [*words[:1], *words[1:][-1:]]).upper()


@register.simple_tag(takes_context=True)
def themed(context: Context, url: str, **query: int | str) -> str:
    """The address of a figure in the colours of the page; where the system chooses, in the dark."""
    return _figure_url(url, query, is_light=context.get("theme") == "light")


@register.simple_tag(takes_context=True)
def light_source(context: Context, url: str, **query: int | str) -> SafeString:
    """Of a `picture`: the same figure for a system that is light, where the system chooses."""
    if context.get("theme") != "auto":
        return SafeString()
    return format_html(
        '<source media="(prefers-color-scheme: light)" srcset="{}">', _figure_url(url, query, is_light=True)
    )


def _figure_url(url: str, query: Mapping[str, int | str], *, is_light: bool) -> str:
    words = urlencode(dict(query) | ({"light": ""} if is_light else {}))
    return f"{url}{'&' if '?' in url else '?'}{words}" if words else url
