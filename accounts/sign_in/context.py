"""What every template may ask about the site."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.sign_in.addresses import mail_is_set_up
from accounts.sign_in.login_links import has_way_back
from accounts.site_settings import SiteSettings


def site(request: HttpRequest) -> dict[str, object]:
    """The settings and the way back are read only where a template names them."""
    return {
        "sends_mail": mail_is_set_up(),
        "opens_here_only": SimpleLazyObject(lambda: names_this_machine(request.get_host())),
        "house_account": settings.OIDC_NAME if settings.OIDC_URL else "",
        "has_way_back": SimpleLazyObject(lambda: has_way_back(request.user)),
        "site_settings": SimpleLazyObject(SiteSettings.recent),
    }


def names_this_machine(host: str) -> bool:
    """Whether a link to this host, with or without a port, opens on the machine alone that the site runs on."""
    name = urlsplit(f"//{host}").hostname or ""
    try:
        address = ip_address(name)
        return address.is_loopback or address.is_unspecified
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
