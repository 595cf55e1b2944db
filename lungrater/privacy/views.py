"""A person's own data as a zip, and the admin's page for erasing a person."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from accounts.preferences import Preferences
from audit import record
from lungrater.privacy.erasure import ErasureForm
from lungrater.privacy.my_data import my_data
from rating.models import Enrolment


@permission_required("accounts.change_user", raise_exception=True)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def erase_person(request: HttpRequest, uuid: UUID) -> HttpResponse:
    person = get_object_or_404(User, uuid=uuid, erased_at=None)
    form = ErasureForm(request.POST if request.method == "POST" else None, person=person, by=request.user)
    if request.method == "POST" and form.is_valid():
        messages.success(request, form.save().sentence)
        return redirect("people")
    context = {
        "person": person,
        "form": form,
        "enrolments": Enrolment.objects.filter(user=person).select_related("study").order_by("study"),
    }
    return render(request, "privacy/erase.html", context, status=422 if form.errors else 200)


@never_cache
@require_POST
def own_data(request: HttpRequest) -> FileResponse:
    """All that the site holds on whoever asks, in their own language."""
    person = get_object_or_404(User, pk=request.user.pk)
    record(person, person, "downloaded their own data")
    with translation.override(Preferences.of(person).language or translation.get_language()):
        file = my_data(person)
    return FileResponse(file, as_attachment=True, filename="my-data.zip", content_type="application/zip")
