"""What a rater agreed to, word for word, with its version and time: theirs to keep for ever."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from django.core.mail import send_mail
from django.utils.translation import gettext as _

from accounts.sign_in.addresses import gets_mail
from rating.studies.enrolment import Enrolment

logger = logging.getLogger(__name__)

CONSENTED = "consented"  # as the log names it


def consent_text(enrolment: Enrolment) -> str:
    """Every consent of this rater, the words of each session they agreed to and of no other; empty without any."""
    parts = list(_consents(enrolment))
    if not parts:
        return ""
    head = _("Your consent to “%(study)s”, as %(pseudonym)s") % {
        "study": enrolment.study.name,
        "pseudonym": enrolment.pseudonym,
    }
    return "\n\n".join([head, *parts]) + "\n"


def _consents(enrolment: Enrolment) -> Iterator[str]:
    study = enrolment.study
    events = study.events.filter(action=CONSENTED, detail__rater=enrolment.pseudonym).order_by("pk")
    for event in events:
        session, version = int(event.detail.get("session", 1)), str(event.detail.get("to", ""))
        instructions, prevalence_note = study.told_before(session)
        stamp = _("Session %(session)s, version %(version)s, agreed on %(time)s UTC") % {
            "session": session,
            "version": version,
            "time": f"{event.at:%Y-%m-%d %H:%M:%S}",
        }
        words = [instructions, prevalence_note, study.consent, withdrawal_words(enrolment)]
        if version != study.consent_version(session):
            words = [_("These words were changed before the study was frozen and are not stored any more.")]
        yield "\n\n".join([stamp, *filter(None, words)])


def withdrawal_words(enrolment: Enrolment) -> str:
    """What becomes of this rater's ratings when they withdraw, as they are told before they agree."""
    study = enrolment.study
    if study.withdrawal == study.Withdrawal.REMOVE:
        return _("You may withdraw until the study is unblinded; your ratings are then removed.")
    return _(
        "You may withdraw until the study is unblinded; your ratings then stay under your pseudonym and count in no result."
    )


def mail_consent(enrolment: Enrolment) -> None:
    """A copy to the rater's mailbox, where mail reaches it."""
    if not gets_mail(enrolment.user):
        return
    subject = _("Your consent to “%(study)s”") % {"study": enrolment.study.name}
    try:
        send_mail(subject, consent_text(enrolment), None, [enrolment.user.email])
    except OSError:  # SMTP's own errors are such too
        logger.exception("the copy of a consent could not be sent")
