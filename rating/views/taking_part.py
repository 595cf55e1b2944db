"""Pages of raters who need not be signed in: coming from a recruitment site, and asking for no more reminders."""

from __future__ import annotations

from allauth.account.utils import perform_login
from allauth.core import ratelimit
from django.contrib.auth.decorators import login_not_required
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts.models import SiteSettings, User
from accounts.preferences import Preferences
from rating.models import Enrolment, Recruit, Recruitment
from rating.studies.outreach import reminders
from rating.studies.outreach.recruitment import Codes, codes_in, take_in
from rating.studies.study import NotPossibleError

get_or_post = require_http_methods(["GET", "HEAD", "POST"])


@login_not_required
@never_cache
@get_or_post
def take_part(request: HttpRequest, token: str) -> HttpResponse:
    """Ask before anybody is enrolled: scanners open links too. The codes stand in the address, for the post as well."""
    recruitment = get_object_or_404(Recruitment.objects.select_related("study"), token=token)
    codes = codes_in(recruitment, request.GET)
    if codes is None:
        sentence = _(
            "This address lacks the code that your recruitment site adds: open the study there again."
        )
        return _closed_door(request, sentence, 400)
    user = request.user if isinstance(request.user, User) else None
    own = recruitment.study.enrolments.filter(user=user, withdrawn_at=None).first() if user else None
    if own is not None and Recruit.objects.filter(enrolment=own).exists():
        return redirect("rating:read", recruitment.study.slug)
    if sentence := _reason_to_refuse(recruitment, codes, user, own):
        return _closed_door(request, sentence, 409)
    if request.method == "POST":
        too_many = ratelimit.consume_or_429(request, action="take_part", key=token)
        return too_many or _take_in(request, recruitment, codes, user)
    context = {"study": recruitment.study, "site": SiteSettings.current()}
    return render(request, "rating/take_part.html", context)


def _reason_to_refuse(
    recruitment: Recruitment, codes: Codes, user: User | None, own: Enrolment | None
) -> str:
    if user is not None and own is None:
        return _("You are signed in to an account that does not take part in this study: sign out first.")
    if recruitment.recruits.filter(participant=codes.participant).exists():
        return _("This code has begun already: go on in the browser in which you began.")
    return "" if recruitment.has_room else _("This study takes nobody in now. Thank you for coming.")


def _take_in(request: HttpRequest, recruitment: Recruitment, codes: Codes, user: User | None) -> HttpResponse:
    begin = reverse("rating:read", args=[recruitment.study.slug])
    try:
        enrolment = take_in(recruitment, codes, user)
    except IntegrityError:  # the other of two clicks was first
        return _closed_door(
            request, _("This code has begun already: go on in the browser in which you began."), 409
        )
    except NotPossibleError:
        return _closed_door(request, _("This study takes nobody in now. Thank you for coming."), 409)
    if user is not None:
        return redirect(begin)
    answer: HttpResponse = perform_login(request, enrolment.user, redirect_url=begin)
    return answer


def _closed_door(request: HttpRequest, sentence: str, status: int) -> HttpResponse:
    return render(request, "rating/closed_door.html", {"sentence": sentence}, status=status)


@csrf_exempt  # a mailbox posts here by itself (RFC 8058); the signed address is the proof, and it only stops mails
@login_not_required
@never_cache
@get_or_post
def stop_reminders(request: HttpRequest, token: str) -> HttpResponse:
    enrolment = reminders.enrolment_of(token)
    if enrolment is None:
        raise Http404
    if request.method == "POST":
        reminders.stop_reminders(enrolment)
        enrolment.refresh_from_db()
    with translation.override(Preferences.of(enrolment.user).language or translation.get_language()):
        return render(request, "rating/stop_reminders.html", {"enrolment": enrolment})
