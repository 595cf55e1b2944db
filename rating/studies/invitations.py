"""Inviting raters to a study: the person, the enrolment and, to their mailbox, a one-use link."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.core.mail import EmailMessage
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.mailing import Mailing
from accounts.models import LoginLink, SiteSettings, User
from accounts.preferences import Preferences
from accounts.sign_in.addresses import mail_is_set_up
from audit import record
from rating.studies.enrolment import Enrolment
from rating.studies.invitation_form import Invitee
from rating.studies.study import NotPossibleError, Study

logger = logging.getLogger(__name__)

LIVES = timedelta(days=14)


@dataclass(slots=True)
class Invitation:
    """What became of one address: `path` is that of a fresh link, empty where the person signs in as before."""

    email: str
    path: str
    is_new: bool
    url: str = ""
    is_sent: bool = False


@transaction.atomic
def invite(study: Study, email: str, *, by: Any = None, language: str = "") -> Invitation:
    """Enrol the person with this address, made a rater if new, who is then written to in this language.

    Whoever knows the truth must not hold a rater's key. So a link goes to the mailbox; where no mail leaves this
    machine it is made for a new person only, who has no ratings yet, and the trail keeps who made it.
    """
    user = User.objects.filter(email__iexact=email).first()
    is_new = user is None
    user = user or User.objects.create_user(email)
    if is_new and language:
        Preferences.objects.create(user=user, language=language, theme=Preferences.of(user).theme)
    if not user.has_perm("rating.rate"):
        raise NotPossibleError(f"{user} cannot rate: only active raters, and new people, can be invited.")
    enrolment = Enrolment.enrol(study, user, by=by)
    if not is_new and not mail_is_set_up():
        return Invitation(email, "", is_new=False)
    record(study, by, "made a sign-in link", rater=enrolment.pseudonym)
    path = LoginLink.issue(user, lives=LIVES, next_path=way_to(study), made_by=by)
    return Invitation(email, path, is_new=is_new)


def invite_all(
    study: Study, invitees: Iterable[Invitee], *, by: Any, absolute: Callable[[str], str]
) -> tuple[list[Invitation], list[str]]:
    """Everybody who can be invited, each for good before any mail goes out, and a sentence on whoever cannot."""
    invitations, refusals = [], []
    for invitee in invitees:
        try:
            invitation = invite(study, invitee.email, by=by, language=invitee.language)
        except NotPossibleError as reason:
            refusals.append(f"{invitee.email}: {reason}")
        else:
            invitation.url = absolute(invitation.path)
            invitations.append(invitation)
    if mail_is_set_up():
        unsent = send_invitations(study, invitations, by=by)
        refusals += [f"No mail could be sent to {email}; invite them again later." for email in unsent]
    return invitations, refusals


def send_invitations(study: Study, invitations: list[Invitation], *, by: Any = None) -> list[str]:
    """Mail each person their link; the addresses that no mail could be sent to."""
    unsent, mailing = [], Mailing()
    site = SiteSettings.current()
    enrolments = {each.user.email.lower(): each for each in _enrolled(study, invitations)}
    for invitation in invitations:
        enrolment = enrolments[invitation.email.lower()]
        with translation.override(Preferences.of(enrolment.user).language or translation.get_language()):
            subject = _("Invitation to rate images in “%s”") % study.name
            text = "\n\n".join([*_invitation_text(enrolment, site, by), invitation.url, site.mail_ending])
        try:
            mailing.send(EmailMessage(subject, text, to=[invitation.email]))
        except OSError:  # SMTP's own errors are such too
            logger.exception("an invitation could not be sent")
            LoginLink.objects.at(invitation.path).void()  # nobody has it
            unsent.append(invitation.email)
        else:
            invitation.is_sent = True
            LoginLink.mark_mailed(invitation.path)
    return unsent


def _enrolled(study: Study, invitations: list[Invitation]) -> list[Enrolment]:
    emails = [invitation.email for invitation in invitations]
    of_people = [models.Q(user__email__iexact=email) for email in emails]
    enrolments = Enrolment.objects.filter(reduce(or_, of_people, models.Q(pk=None)), study=study)
    return list(enrolments.select_related("user").with_progress())


def _invitation_text(enrolment: Enrolment, site: SiteSettings, sender: Any) -> list[str]:
    """Who invites to what, where, and how long it takes; nothing that tells what the study is about."""
    names = {"sender": sender or site.name, "study": enrolment.study.name, "site": site.name}
    lines = [_("%(sender)s invites you to rate images in the study “%(study)s” (%(site)s).") % names]
    if enrolment.presentation_count:
        much = {"count": enrolment.presentation_count, "minutes": enrolment.minutes_left}
        if enrolment.study.shows_sets:
            much_to_do = _(
                "It has %(count)s sets of images for you and takes about %(minutes)s minutes in all."
            )
        else:
            much_to_do = _("It has %(count)s images for you and takes about %(minutes)s minutes in all.")
        lines.append(much_to_do % much)
    lines.append(_("You can stop at any time and go on later, on any computer."))
    lines.append(_("Your link, which works once within %s days:") % LIVES.days)
    return lines


def way_to(study: Study) -> str:
    """Where a link of this study leads: its place in the list, which also tells it from links of other studies."""
    return f"{reverse('rating:reading_list')}#{study.slug}"


class WayIn(models.TextChoices):
    """How far an enrolled person has come; told by code, so also where nobody sees who it is."""

    AGREED = "agreed", "agreed to take part"
    OPENED = "opened", "link opened"
    MAILED = "mailed", "link mailed"
    MADE = "made", "link made"
    LAPSED = "lapsed", "link opens no more"
    NONE = "none", "signs in as before"


def ways_in(study: Study, enrolments: Iterable[Enrolment]) -> dict[int, WayIn]:
    """By key of an enrolment in the study, of the links to it that were made for its person since they were enrolled.

    A link to another study says nothing here: whoever invites somebody there would read who the codes are.
    """
    people = {each.user_id: each for each in enrolments}
    links = LoginLink.objects.filter(user__in=people, next_path=way_to(study))
    ways = {each.pk: WayIn.AGREED if each.consented_at else WayIn.NONE for each in people.values()}
    order = list(WayIn)
    for link in links:
        enrolment = people[link.user_id]
        if link.created_at < enrolment.created_at:
            continue
        ways[enrolment.pk] = min(ways[enrolment.pk], _way_by(link), key=order.index)
    return ways


def _way_by(link: LoginLink) -> WayIn:
    if link.used_at:
        return WayIn.OPENED
    if link.expires_at <= timezone.now():  # its days are over, or it was made void
        return WayIn.LAPSED
    return WayIn.MAILED if link.mailed else WayIn.MADE
