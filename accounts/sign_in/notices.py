"""Mails that tell people what was done to their account, so that nobody learns of it by a closed door."""

from __future__ import annotations

import logging
from functools import partial

from django.core.mail import send_mail
from django.db import transaction

from accounts.sign_in.addresses import NO_MAILBOX

logger = logging.getLogger(__name__)


def notify(address: str, subject: str, text: str) -> None:
    """A mail once what it tells of is certain to stay; one that cannot be sent undoes nothing."""
    if address.endswith(NO_MAILBOX):
        return
    transaction.on_commit(partial(_send, address, subject, text))


def _send(address: str, subject: str, text: str) -> None:
    try:
        send_mail(subject, text, None, [address])
    except OSError:  # SMTP's own errors are such too
        logger.exception("a notice could not be sent")
