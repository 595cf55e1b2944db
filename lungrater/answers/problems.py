"""The page for what went wrong here: an outage is told apart from a fault, in one sentence that says what to do."""

from __future__ import annotations

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _

from jobs.disk_space import is_out_of_room
from lungrater.deadlines.file_storage import StorageSilentError
from lungrater.deadlines.mail import MailSilentError

NO_DATABASE = _(
    "The database does not answer just now. Nothing that was shown as saved is lost; try again in a minute."
)
NO_ROOM = _("The disk of this site is full, so nothing can be stored just now. Tell whoever runs this site.")
SOMETHING_WRONG = _("Something went wrong here.")
TRY_AGAIN_AFTER = "30"


def server_error(request: HttpRequest) -> HttpResponse:
    """503 or 507 with a sentence for an outage, 500 for a fault of ours; needs neither database nor session."""
    status, sentence = _outage(sys.exc_info()[1])
    if request.headers.get("Accept", "").startswith("application/json"):
        answer: HttpResponse = JsonResponse({"error": sentence or str(SOMETHING_WRONG)}, status=status)
    elif sentence:
        answer = HttpResponse(render_to_string("503.html", {"sentence": sentence}), status=status)
    else:
        answer = HttpResponse(render_to_string("500.html"), status=status)
    if status == 503:
        answer["Retry-After"] = TRY_AGAIN_AFTER
    return answer


def _outage(error: BaseException | None) -> tuple[int, str]:
    if is_out_of_room(error):
        return 507, str(NO_ROOM)
    if isinstance(error, OperationalError | InterfaceError):
        return 503, str(NO_DATABASE)
    if isinstance(error, StorageSilentError | MailSilentError):
        return 503, str(error)
    return 500, ""
