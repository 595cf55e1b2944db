"""The admin's page for erasing a person."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import User
from lungrater.privacy.erasure import ErasureForm
from rating.models import Enrolment


@permission_required("accounts.change_user", raise_exception=True)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def erase_person(request: HttpRequest, uuid: UUID) -> HttpResponse:
    person = get_object_or_404(User, uuid=uuid, erased_at=None)
    form = ErasureForm(request.POST if request.method == "POST" else None, person=person, by=request.user)
    if request.method == "POST" and form.is_valid():
        messages.success(request, form.save().sentence)
        return redirect("home")
    context = {
        "person": person,
        "form": form,
        "enrolments": Enrolment.objects.filter(user=person).select_related("study").order_by("study"),
    }
    return render(request, "privacy/erase.html", context, status=422 if form.errors else 200)
