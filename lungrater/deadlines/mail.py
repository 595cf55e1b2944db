"""Mail by SMTP with an end to the whole talk: the library bounds each step, and a slow server takes many."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

from lungrater.monitoring.signs_of_life import MAIL, SignOfLife
from outbound.waiting import within

SENT_WITHIN = 30.0


class MailSilentError(OSError):
    """The mail server does not answer; an OSError, as all errors of SMTP are."""

    def __init__(self) -> None:
        super().__init__("The mail server does not answer, so no mail was sent; try again in a minute.")


class TimedSMTP(EmailBackend):
    """Django's, bounded as a whole; how the last mail went is noted for whoever watches the site."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        send = super().send_messages
        try:
            count = within(SENT_WITHIN, lambda: send(email_messages), name="mail") or 0
        except OSError as error:
            SignOfLife.note(MAIL, problem=type(error).__name__)
            if self.fail_silently:
                return 0
            if isinstance(error, TimeoutError):
                raise MailSilentError from error
            raise
        SignOfLife.note(MAIL)
        return count
