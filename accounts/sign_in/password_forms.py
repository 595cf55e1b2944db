"""The library's forms that ask for a password, which offer to set a forgotten one anew only where mail can bring the link."""

from __future__ import annotations

from typing import Any

from allauth.account import forms
from django.forms import Field

from accounts.sign_in.addresses import mail_is_set_up


class _OffersResetByMail:
    fields: dict[str, Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not mail_is_set_up():
            for name in {"password", "oldpassword"} & set(self.fields):
                self.fields[name].help_text = ""


class LoginForm(_OffersResetByMail, forms.LoginForm):  # type: ignore[misc]  # allauth ships no types
    pass


class ReauthenticateForm(_OffersResetByMail, forms.ReauthenticateForm):  # type: ignore[misc]  # allauth ships no types
    pass


class ChangePasswordForm(_OffersResetByMail, forms.ChangePasswordForm):  # type: ignore[misc]  # allauth ships no types
    pass
