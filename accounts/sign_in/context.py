"""What every template may ask about the site."""

from __future__ import annotations

from django.http import HttpRequest

from accounts.sign_in.addresses import mail_is_set_up


def site(_request: HttpRequest) -> dict[str, bool]:
    return {"sends_mail": mail_is_set_up()}
