"""The tour of a first page, where it stands on it."""

from __future__ import annotations

from django import template
from django.template.context import Context

from lungrater.pages.rail import preferences_of
from lungrater.pages.tour import Step, steps_for

register = template.Library()


@register.inclusion_tag("_tour.html", takes_context=True)
def tour(context: Context, *, offers: bool = True) -> dict[str, bool | list[Step]]:
    """The steps of whoever looks; with the offer, unless they took or declined it, or the page has nothing to show yet."""
    request = context["request"]
    return {
        "steps": steps_for(request.user.has_perm),
        "is_offered": bool(offers) and preferences_of(request).offers_tour,
    }
