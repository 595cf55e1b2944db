"""Many mails one after another, with an end to them all."""

from __future__ import annotations

from time import monotonic

from django.core.mail import EmailMessage

MAILED_WITHIN = 60.0


class Mailing:
    """Mails to many people: a server that keeps one letter waiting does not do so again for each of the others."""

    def __init__(self) -> None:
        self._ends_at = monotonic() + MAILED_WITHIN

    @property
    def is_over(self) -> bool:
        return monotonic() > self._ends_at

    def send(self, mail: EmailMessage) -> None:
        """Raises OSError, as SMTP's own errors are, when the mail did not leave; once time is over, at once."""
        if self.is_over:
            raise TimeoutError("The mail server took too long over earlier mails, so this one was not sent.")
        mail.send()
