"""The library's forms of security keys, whose field for the name it does not translate, and what they offer first."""

from __future__ import annotations

from typing import Any

from allauth.mfa.webauthn import forms as webauthn
from django.utils.translation import gettext_lazy as _

from accounts.sign_in.login_links import has_way_back


class AddKeyForm(webauthn.AddWebAuthnForm):  # type: ignore[misc]  # allauth ships no types
    """Whoever has no other way back is offered a passkey, not a mere second factor to something they lack."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Name")
        self.fields["passwordless"].initial = not has_way_back(self.user)


class EditKeyForm(webauthn.EditWebAuthnForm):  # type: ignore[misc]  # allauth ships no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Name")
