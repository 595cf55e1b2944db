"""Names of any script within a sentence of another that runs the other way."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def isolated(name: object) -> SafeString:
    """The name, so that its own direction moves no quotation mark or full stop around it."""
    return format_html("<bdi>{}</bdi>", name)
