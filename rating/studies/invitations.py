"""Inviting raters to a study: the person, the enrolment and, to their mailbox, a one-use link."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.auth.decorators import permission_required
from django.core.mail import send_mail
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache

from accounts.models import LoginLink, SiteSettings, User
from accounts.sign_in.addresses import clean_address, mail_is_set_up
from audit import record
from rating.studies.enrolment import Enrolment
from rating.studies.study import NotPossibleError, Study

logger = logging.getLogger(__name__)

LIVES = timedelta(days=14)
SEND_WITHIN = 30.0


class InvitationForm(forms.Form):
    emails = forms.CharField(
        label="Email addresses",
        help_text="One per line. Each new person becomes a rater; a link that works once, for 14 days, goes to their mailbox.",
        widget=forms.Textarea(attrs={"rows": 4, "autofocus": True}),
    )

    def clean_emails(self) -> list[str]:
        parts = self.cleaned_data["emails"].replace(",", "\n").split()
        return list(dict.fromkeys(clean_address(part) for part in parts))


@dataclass(slots=True)
class Invitation:
    """What became of one address: `path` is that of a fresh link, empty where the person signs in as before."""

    email: str
    path: str
    is_new: bool
    url: str = ""
    is_sent: bool = False


@transaction.atomic
def invite(study: Study, email: str, *, by: Any = None) -> Invitation:
    """Enrol the person with this address, made a rater if new.

    Whoever knows the truth must not hold a rater's key. So a link goes to the mailbox; where no mail leaves this
    machine it is made for a new person only, who has no ratings yet, and the trail keeps who made it.
    """
    user = User.objects.filter(email__iexact=email).first()
    is_new = user is None
    user = user or User.objects.create_user(email)
    if not user.has_perm("rating.rate"):
        raise NotPossibleError(f"{user} cannot rate: only active raters, and new people, can be invited.")
    enrolment = Enrolment.enrol(study, user, by=by)
    if not is_new and not mail_is_set_up():
        return Invitation(email, "", is_new=False)
    record(study, by, "made a sign-in link", rater=enrolment.pseudonym)
    path = LoginLink.issue(user, lives=LIVES, next_path=reverse("rating:reading_list"), made_by=by)
    return Invitation(email, path, is_new=is_new)


@permission_required("accounts.invite_rater", raise_exception=True)
@transaction.non_atomic_requests  # each person is invited for good before any mail goes out
@never_cache
def invite_raters(request: HttpRequest, slug: str) -> HttpResponse:
    study = get_object_or_404(Study.objects.editable_by(request.user), slug=slug)
    form = InvitationForm(request.POST or None)
    invitations: list[Invitation] = []
    if request.method == "POST" and form.is_valid():
        for email in form.cleaned_data["emails"]:
            try:
                invitation = invite(study, email, by=request.user)
            except NotPossibleError as reason:
                form.add_error("emails", f"{email}: {reason}")
            else:
                invitation.url = request.build_absolute_uri(invitation.path)
                invitations.append(invitation)
        if mail_is_set_up():
            for email in send_invitations(study, invitations):
                form.add_error("emails", f"No mail could be sent to {email}; try again later.")
    context = {"study": study, "form": form, "invitations": invitations, "mail_is_set_up": mail_is_set_up()}
    return render(request, "account/invite.html", context)


def send_invitations(study: Study, invitations: list[Invitation]) -> list[str]:
    """Mail each person their link; the addresses that no mail could be sent to."""
    unsent = []
    ending = SiteSettings.current().mail_ending
    for invitation in invitations:
        try:
            send_mail(
                f"Invitation to rate images in “{study.name}”",
                "You are invited to rate lung images, one at a time.\n\n"
                f"Your link, which works once within {LIVES.days} days:\n{invitation.url}\n\n{ending}",
                None,
                [invitation.email],
            )
        except OSError:  # SMTP's own errors are such too
            logger.exception("an invitation could not be sent")
            unsent.append(invitation.email)
        else:
            invitation.is_sent = True
            LoginLink.mark_mailed(invitation.path)
    return unsent
