"""How allauth behaves here: nobody signs up by themselves, people are invited."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.sign_in.addresses import NO_MAILBOX, gets_mail, mail_is_set_up


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, object]) -> None:
        """Nothing where no mail leaves this machine: the text holds codes, and a log is not their place. Nor to no mailbox."""
        if mail_is_set_up() and not email.endswith(NO_MAILBOX):
            super().send_mail(template_prefix, email, context)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, str]]:
        """Whoever has neither password nor second factor gets a code by mail; where no mail reaches them, the way to one of them.

        A passkey comes before a code: whoever has recovery codes and no app would be asked for a code of an app.
        """
        methods: list[dict[str, str]] = super().get_reauthentication_methods(user)
        methods.sort(key=lambda method: method["id"] == "mfa_reauthenticate")
        if methods or not user.is_authenticated:
            return methods
        name = "prove_by_code" if gets_mail(user) else "nothing_to_prove_with"
        return [{"id": name, "description": _("Prove that it is you"), "url": reverse(name)}]


def address_stands(request: HttpRequest) -> HttpResponse:
    """Nothing, in place of allauth's pages for changing one's address and for tying other accounts to one's own.

    People are invited by their address: whoever could take somebody else's would get that person's
    invitations, and share an account with them.
    """
    raise Http404
