"""How allauth behaves here: nobody signs up by themselves, people are invited."""

import logging
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import SiteSettings, User
from accounts.preferences import Preferences
from accounts.sign_in.addresses import NO_MAILBOX, gets_mail, mail_is_set_up

logger = logging.getLogger(__name__)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, object]) -> None:
        """Nothing where no mail leaves this machine: the text holds codes, and a log is not their place. Nor to no mailbox.

        In the language of its person, who may not be whoever asked. Whoever waits for the mail reads that it did not
        leave; for an unknown address too, so that it tells nothing.
        """
        if not mail_is_set_up() or email.endswith(NO_MAILBOX):
            return
        person = User.objects.filter(email__iexact=email).first()
        language = Preferences.of(person).language if person else ""
        try:
            with translation.override(language or translation.get_language()):
                super().send_mail(template_prefix, email, {**context, "site": SiteSettings.current()})
        except OSError as error:  # SMTP's own errors are such too
            logger.exception("a mail of the sign-in could not be sent")
            page = render(self.request, "account/mail_silent.html", status=503)
            raise ImmediateHttpResponse(page) from error

    def format_email_subject(self, subject: str) -> str:
        return f"[{SiteSettings.current().name}] {subject}"

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
