"""Inviting raters to a study by email: the person, the enrolment and a one-use link in one step."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache

from accounts.models import LoginLink, User
from audit import record
from rating.studies.enrolment import Enrolment
from rating.studies.study import NotPossible, Study

logger = logging.getLogger(__name__)

LIVES = timedelta(days=14)
SEND_WITHIN = 30.0


class InvitationForm(forms.Form):
    emails = forms.CharField(
        label="Email addresses",
        help_text="One per line. Each person becomes a rater and gets a link that works once, for 14 days.",
        widget=forms.Textarea(attrs={"rows": 4, "autofocus": True}),
    )

    def clean_emails(self) -> list[str]:
        emails = list(dict.fromkeys(self.cleaned_data["emails"].replace(",", "\n").lower().split()))
        for email in emails:
            try:
                validate_email(email)
            except ValidationError as error:
                raise ValidationError(f"“{email}” is not an email address.") from error
        return emails


@transaction.atomic
def invite(study: Study, email: str, *, by: Any = None) -> str:
    """Enrol the person with this address, made a rater if new; the path of their one-use link.

    Whoever invites holds that link for a moment, so it must never open more than a rater's account.
    """
    user = User.objects.filter(email__iexact=email).first() or User.objects.create_user(email)
    if not user.has_perm("rating.rate"):
        raise NotPossible(f"{user} cannot rate: only active raters, and new people, can be invited.")
    enrolment = Enrolment.enrol(study, user, by=by)
    record(study, by, "made a sign-in link", rater=enrolment.pseudonym)
    return LoginLink.issue(user, lives=LIVES, next_path=reverse("rating:reading_list"))


@permission_required("accounts.invite_rater", raise_exception=True)
@transaction.non_atomic_requests  # each person is invited for good before any mail goes out
@never_cache
def invite_raters(request: HttpRequest, slug: str) -> HttpResponse:
    study = get_object_or_404(Study.objects.editable_by(request.user), slug=slug)
    form = InvitationForm(request.POST or None)
    invited: list[dict[str, str]] = []
    if request.method == "POST" and form.is_valid():
        for email in form.cleaned_data["emails"]:
            try:
                path = invite(study, email, by=request.user)
            except NotPossible as reason:
                form.add_error("emails", f"{email}: {reason}")
            else:
                invited.append({"email": email, "url": request.build_absolute_uri(path)})
        if request.POST.get("send") and mail_is_set_up():
            for person in send_invitations(study, invited):
                form.add_error("emails", f"No mail could be sent to {person}; give them the link below.")
    context = {"study": study, "form": form, "invited": invited, "mail_is_set_up": mail_is_set_up()}
    return render(request, "account/invite.html", context)


def mail_is_set_up() -> bool:
    """Whether mail leaves this machine; without EMAIL_URL it is only written to the log."""
    return not settings.EMAIL_BACKEND.endswith("console.EmailBackend")


def send_invitations(study: Study, invited: list[dict[str, str]]) -> list[str]:
    """Mail each person their link; the addresses that no mail could be sent to."""
    unsent = []
    deadline = time.monotonic() + SEND_WITHIN
    for person in invited:
        if time.monotonic() > deadline:  # a mail server that keeps each letter waiting
            unsent.append(person["email"])
            continue
        try:
            send_mail(
                f"Invitation to rate images in “{study.name}”",
                "You are invited to rate lung images, one at a time.\n\n"
                f"Your link, which works once within {LIVES.days} days:\n{person['url']}\n",
                None,
                [person["email"]],
            )
        except OSError:  # SMTP's own errors are such too
            logger.exception("an invitation could not be sent")
            unsent.append(person["email"])
        else:
            person["sent"] = "yes"
    return unsent
