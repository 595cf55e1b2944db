"""The library's forms of security keys, whose field for the name it does not translate."""

from __future__ import annotations

from typing import Any

from allauth.mfa.webauthn import forms as webauthn
from django.utils.translation import gettext_lazy as _


class AddKeyForm(webauthn.AddWebAuthnForm):  # type: ignore[misc]  # allauth ships no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Name")


class EditKeyForm(webauthn.EditWebAuthnForm):  # type: ignore[misc]  # allauth ships no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Name")
